import { expect, it } from 'vitest'
import { effectivePolicy, type HubSetPolicy } from './set-policy.ts'

const rows: readonly [string, HubSetPolicy, string | undefined, string][] = [
  ['nothing said: all', { allowOverride: true }, undefined, 'sync'],
  ['the set’s own, where the hub says nothing', { allowOverride: true }, 'create-only', 'create-only'],
  [
    'also where overriding is off: there is nothing to override',
    { allowOverride: false },
    'create-only',
    'create-only',
  ],
  [
    'the hub’s, where the set says nothing',
    { policy: 'create-update', allowOverride: true },
    undefined,
    'create-update',
  ],
  ['the hub’s, against the set’s', { policy: 'create-only', allowOverride: false }, 'sync', 'create-only'],
  ['the set’s, where it may', { policy: 'create-only', allowOverride: true }, 'sync', 'sync'],
  ['a word that is no policy is the whole', { allowOverride: true }, 'whatever', 'sync'],
]
it.each(rows)('%s', (_sentence, hub, own, expected) => {
  expect(effectivePolicy(hub, own)).toBe(expected)
})

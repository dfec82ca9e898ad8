import { parseJson } from '@flotilla/core/json/parse-json'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'
import { describe, expect, it } from 'vitest'
import { formatPlan } from './plan-command.ts'

const KEY = { group: '', kind: 'Secret', namespace: 'shop', name: 'a' }
const PLAN: SyncPlan = {
  application: { id: 'app-1', name: 'shop' },
  digest: 'sha256:00',
  namespace: 'shop',
  problems: [],
  actions: [
    {
      kind: 'create',
      key: KEY,
      phase: 'Sync',
      wave: 0,
      validate: true,
      object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { password: 'aHVudGVyMg==' } },
    },
  ],
}

describe('formatPlan', () => {
  it('prints lines for people', () => {
    expect(formatPlan(PLAN, 'text')).toBe(
      'shop: 1 to create, 0 to update, 0 to prune, 0 kept\n  create  Sync/0  Secret shop/a',
    )
  })

  it('prints JSON with the objects, and no value of a Secret', () => {
    const printed = formatPlan(PLAN, 'json')
    expect(printed).not.toContain('aHVudGVyMg')
    expect(parseJson(printed)).toMatchObject({
      application: { name: 'shop' },
      actions: [{ kind: 'create', key: KEY, object: { data: { password: 'masked-1' } } }],
    })
  })
})

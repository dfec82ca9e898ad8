import type { Log } from '@flotilla/core/ports/log'
import { signJws } from '@flotilla/core/protocol/jws'
import { sampleContext, sampleGrant, sampleKey } from '@flotilla/core/protocol/samples'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { HeldGrants } from './held-grants.ts'

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => QUIET }
const key = sampleKey()
const context = sampleContext(key)
const signed = (id: string, adm = 1): string => signJws('grant', sampleGrant({ id, adm }), key)
const ids = (grants: HeldGrants): string[] => grants.open().map(({ id }) => id)

async function withTwo(state = new MemoryState()) {
  const grants = new HeldGrants(state, QUIET)
  await grants.load(context)
  await grants.take([signed('waits'), signed('begun')], context)
  await grants.settle('begun', 'started', undefined)
  return { state, grants }
}

describe('Grants that an agent holds', () => {
  test('are there again after a restart, and so are answers that the hub has not acknowledged', async () => {
    const { state } = await withTwo()
    const again = new HeldGrants(state, QUIET)
    await again.load(context)
    expect([ids(again), again.unacknowledged()]).toEqual([['waits'], [{ id: 'begun', outcome: 'started' }]])
  })

  for (const [sentence, restarts] of [
    ['in the process that it finds', false],
    ['after a restart', true],
  ] as const) {
    test(`are void under another admission, ${sentence}; what was begun is answered still`, async () => {
      const { state, grants } = await withTwo()
      const later = restarts ? new HeldGrants(state, QUIET) : grants
      await later.load({ ...context, adm: 2 })
      expect([ids(later), later.unacknowledged()]).toEqual([[], [{ id: 'begun', outcome: 'started' }]])
      await later.take([signed('waits'), signed('new', 2)], { ...context, adm: 2 })
      expect(ids(later)).toEqual(['new'])
      expect(await state.list('grants/')).toEqual(['grants/new'])
    })
  }
})

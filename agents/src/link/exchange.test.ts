import { seededRandom } from '@flotilla/core/ports/create-random'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { MAX_IDS_PER_FRAME } from '@flotilla/core/protocol/frames'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { Exchange } from './exchange.ts'

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => QUIET }
const NOTHING = { documents: [], grants: [], upTo: '1.0', more: false }

describe('what a hub says that an agent lacks', () => {
  test('is asked for in short questions, and never more of it than one frame may name', async () => {
    const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => new Promise(setImmediate) })
    const asked: string[] = []
    const request = async ({ path }: { readonly path: string }): Promise<HubResponse> => {
      asked.push(...(path.split('?ids=')[1]?.split(',') ?? []))
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(NOTHING)) }
    }
    const exchange = new Exchange({
      state: new MemoryState(),
      clock,
      random: seededRandom(1),
      log: QUIET,
      request,
      refused: () => undefined,
      changed: () => undefined,
    })
    await exchange.trust({ cluster: 'c', adm: 1, keys: new Map(), accepted: new Map(), newestKid: 'k', links: [] })
    for (let frame = 0; frame < 5; frame++) {
      const ids = Array.from({ length: MAX_IDS_PER_FRAME }, (_, index) => `app-${frame}-${index}`)
      await exchange.take({ kind: 'differ', of: 'held', ids, unclaimed: [] })
    }
    exchange.stands('1.0')
    await exchange.idle()
    expect(new Set(asked).size).toBe(MAX_IDS_PER_FRAME)
    // What was left out is named again, and asked for then.
    await exchange.take({ kind: 'differ', of: 'held', ids: ['app-4-0'], unclaimed: [] })
    await exchange.idle()
    expect(asked).toContain('app-4-0')
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideKeyChange, type KeyChange } from './agent-key.ts'

const CLUSTER = 'c1'
const HUB = 'hub-1'
const key = fc.constantFrom('a', 'b', 'c', 'd')
/** Somebody who has one key asks for another. */
interface Asked {
  readonly key: string
  readonly previous: string
  readonly provedBy: string
  readonly adm: number
}
const asking: fc.Arbitrary<Asked> = fc.record({ key, previous: key, provedBy: key, adm: fc.constantFrom(1, 2) })

interface Row {
  readonly id: string
  readonly admission: number
  readonly agentKey: string
  readonly previousKey?: string
}

function decide(row: Row, { provedBy, ...change }: Asked) {
  const full: KeyChange = { ...change, cluster: CLUSTER, aud: HUB, iat: 0 }
  return decideKeyChange({ change: full, hubId: HUB, cluster: row, provedBy, keyIsNoGood: false }).kind
}

describe('changes of an agent’s key, in whatever order they come, and how often', () => {
  test('only the key in force brings another one in, and each that is taken follows the one before', () => {
    fc.assert(
      fc.property(fc.array(asking, { maxLength: 20 }), list => {
        let row: Row = { id: CLUSTER, admission: 1, agentKey: 'a' }
        for (const asked of list) {
          const kind = decide(row, asked)
          if (kind === 'refused') continue
          expect(asked.adm).toBe(row.admission)
          expect(asked.provedBy).toBe(asked.previous)
          if (kind === 'again') {
            expect([asked.key, asked.previous]).toEqual([row.agentKey, row.previousKey])
            continue
          }
          expect(asked.previous).toBe(row.agentKey)
          row = { ...row, agentKey: asked.key, previousKey: asked.previous }
          // The same once more, its answer lost, changes nothing.
          expect(decide(row, asked)).toBe('again')
        }
      }),
    )
  })
})

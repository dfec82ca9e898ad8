import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { orderIncarnation, type SpeakingState } from './order-incarnation.ts'

const START: SpeakingState = { incarnation: 0 }
const heard = fc.record({
  inc: fc.integer({ min: 1, max: 12 }),
  inst: fc.constantFrom('a', 'b', 'c', 'd'),
  afterMs: fc.integer({ min: 0, max: 300_000 }),
})

describe('who speaks for a cluster', () => {
  test('the highest incarnation never falls, and only its instance speaks', () => {
    fc.assert(
      fc.property(fc.array(heard, { maxLength: 40 }), list => {
        let state = START
        let now = 0
        for (const { inc, inst, afterMs } of list) {
          now += afterMs
          const verdict = orderIncarnation(state, { inc, inst }, now)
          expect(verdict.state.incarnation).toBeGreaterThanOrEqual(state.incarnation)
          if (verdict.kind === 'speaks') expect(verdict.state).toMatchObject({ incarnation: inc, instance: inst })
          else expect(verdict.state.instance).toBe(state.instance)
          // Once cloned it stays so: only a new admission begins anew.
          if (state.cloned) expect(verdict.state.cloned?.since).toBe(state.cloned.since)
          // What says nothing new is not written.
          if (!verdict.changed) expect(verdict.state.cloned).toEqual(state.cloned)
          state = verdict.state
          expect(state.speakers?.length ?? 0).toBeLessThanOrEqual(8)
        }
      }),
    )
  })

  test('one process after the other is never a clone, whatever number each begins with', () => {
    const start = fc.record({ inc: fc.integer({ min: 1, max: 20 }), afterMs: fc.integer({ min: 0, max: 60_000 }) })
    fc.assert(
      fc.property(fc.array(start, { maxLength: 60 }), starts => {
        let state = START
        let now = 0
        for (const [index, { inc, afterMs }] of starts.entries()) {
          now += afterMs
          const inst = `i${index}`
          const first = orderIncarnation(state, { inc, inst }, now)
          state = first.state
          if (first.kind === 'outranked') {
            const raised = orderIncarnation(state, { inc: first.highestInc + 1, inst }, now + 10)
            expect(raised.kind).toBe('speaks')
            state = raised.state
          }
          expect(state.cloned).toBeUndefined()
        }
      }),
    )
  })

  test('two that raise above each other for ever are found within six turns', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 90_000 }),
        (a, b, stepMs) => {
          let state = START
          const incs = { a, b }
          for (let turn = 0; turn < 8; turn++) {
            const inst = turn % 2 === 0 ? 'a' : 'b'
            const verdict = orderIncarnation(state, { inc: incs[inst], inst }, turn * stepMs)
            state = verdict.state
            if (verdict.kind !== 'outranked') continue
            incs[inst] = verdict.highestInc + 1
            state = orderIncarnation(state, { inc: incs[inst], inst }, turn * stepMs).state
          }
          expect(state.cloned).toBeDefined()
        },
      ),
    )
  })
})

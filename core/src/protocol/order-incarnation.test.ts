import { describe, expect, test } from 'vitest'
import { orderIncarnation, type SpeakingState } from './order-incarnation.ts'

const START: SpeakingState = { incarnation: 0 }

/** Plays `[seconds, inc, inst]` and returns the verdicts and the state at the end. */
function play(...heard: readonly (readonly [seconds: number, inc: number, inst: string])[]) {
  let state = START
  const verdicts: string[] = []
  for (const [seconds, inc, inst] of heard) {
    const verdict = orderIncarnation(state, { inc, inst }, seconds * 1000)
    state = verdict.state
    verdicts.push(verdict.kind === 'outranked' ? `outranked by ${verdict.highestInc}` : verdict.kind)
  }
  return { verdicts, state }
}

describe('who speaks for a cluster', () => {
  test('the first start speaks, and a later one takes its place', () => {
    const { verdicts, state } = play([0, 1, 'a'], [1, 1, 'a'], [2, 2, 'b'])
    expect(verdicts).toEqual(['speaks', 'speaks', 'speaks'])
    expect(state).toMatchObject({ incarnation: 2, instance: 'b' })
    expect(state.cloned).toBeUndefined()
  })

  test('an earlier start is refused, and told what to raise above', () => {
    expect(play([0, 4, 'a'], [1, 3, 'b']).verdicts).toEqual(['speaks', 'outranked by 4'])
  })

  test('an agent that crashes a hundred times in a minute is no clone', () => {
    const starts = Array.from({ length: 100 }, (_, index) => [index / 2, index + 1, `i${index}`] as const)
    const { verdicts, state } = play(...starts)
    expect(new Set(verdicts)).toEqual(new Set(['speaks']))
    expect(state.cloned).toBeUndefined()
    expect(state.speakers?.length).toBeLessThanOrEqual(8)
  })

  test('a deleted Lease that begins at the same number again is raised above it, and no clone', () => {
    const { verdicts, state } = play([0, 1, 'a'], [60, 1, 'b'], [61, 2, 'b'], [90, 2, 'b'])
    expect(verdicts).toEqual(['speaks', 'outranked by 1', 'speaks', 'speaks'])
    expect(state.cloned).toBeUndefined()
  })

  test('two living instances with one incarnation are clones as soon as both were heard', () => {
    const { state } = play([0, 5, 'a'], [1, 5, 'b'], [2, 5, 'a'])
    expect(state.cloned).toMatchObject({ since: 2000, why: 'one-incarnation' })
    expect(state.cloned?.instances.map(({ inst }) => inst).sort()).toEqual(['a', 'b'])
  })

  test('also when the other has raised itself above in the meantime', () => {
    const { verdicts, state } = play([0, 5, 'a'], [1, 5, 'b'], [2, 6, 'b'], [3, 5, 'a'])
    expect(verdicts.at(-1)).toBe('cloned')
    expect(state.cloned?.instances.map(({ inst }) => inst).sort()).toEqual(['a', 'b'])
    expect(state).toMatchObject({ incarnation: 6, instance: 'b' })
  })

  test('two that overtake each other three times in ten minutes are clones', () => {
    const { verdicts, state } = play(
      [0, 5, 'a'],
      [9, 9, 'b'],
      [20, 10, 'a'],
      [30, 11, 'b'],
      [40, 12, 'a'],
      [50, 13, 'b'],
    )
    expect(verdicts.slice(0, 5)).toEqual(['speaks', 'speaks', 'speaks', 'speaks', 'speaks'])
    expect(state.cloned).toMatchObject({ since: 40_000, why: 'overtakings' })
  })

  test('once in six minutes they are not', () => {
    const { state } = play(
      [0, 5, 'a'],
      [360, 9, 'b'],
      [720, 10, 'a'],
      [1080, 11, 'b'],
      [1440, 12, 'a'],
      [1800, 13, 'b'],
    )
    expect(state.cloned).toBeUndefined()
  })

  test('of known clones the one that speaks goes on, the other is refused without a number to raise above', () => {
    const { verdicts, state } = play([0, 5, 'a'], [1, 5, 'b'], [2, 5, 'a'], [3, 6, 'b'], [4, 5, 'a'], [9999, 7, 'b'])
    expect(verdicts.slice(3)).toEqual(['cloned', 'speaks', 'cloned'])
    expect(state.instance).toBe('a')
  })

  test('a clone that starts anew is one more instance of the clones', () => {
    const { state } = play([0, 5, 'a'], [1, 5, 'b'], [2, 5, 'a'], [3, 6, 'c'])
    expect(state).toMatchObject({ incarnation: 6, instance: 'c' })
    expect(state.cloned?.instances.map(({ inst }) => inst).sort()).toEqual(['a', 'b', 'c'])
  })
})

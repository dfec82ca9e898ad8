import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { BundleKeep } from './bundle-keep.ts'

const HOUR_MS = 60 * 60_000
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const bundleOf = (name: string) => encodeBundle([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }])

function world() {
  const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(setImmediate) })
  const state = new MemoryState()
  const asked: string[] = []
  const answers = new Map<string, () => Uint8Array>()
  let again = 0
  const keep = new BundleKeep({
    state,
    clock,
    random: seededRandom(1),
    log: silent,
    ask: async (path): Promise<HubResponse> => {
      asked.push(path)
      const body = answers.get(path.split('/').at(-1) ?? '')?.()
      return { status: body ? 200 : 404, headers: {}, body: body ?? new Uint8Array() }
    },
    offeredSize: () => undefined,
    mayAskAgain: () => {
      again++
    },
  })
  return { clock, state, asked, answers, keep, timesTold: () => again }
}

describe('Bundles', () => {
  test('are fetched once, however many ask at once, and then kept', async () => {
    const { keep, asked, answers } = world()
    const bundle = bundleOf('a')
    answers.set(bundle.digest, () => bundle.bytes)
    const all = await Promise.all([keep.get(bundle.digest), keep.get(bundle.digest), keep.get(bundle.digest)])
    expect(all.map(got => got?.objects.length)).toEqual([1, 1, 1])
    await keep.get(bundle.digest)
    expect(asked.length).toBe(1)
  })

  test('that are refused are asked for again, ever more rarely, and the engine is told when', async () => {
    const { keep, asked, answers, clock, timesTold } = world()
    const bundle = bundleOf('a')
    answers.set(bundle.digest, () => Buffer.from('something else'))
    for (let second = 0; second < 120; second++) {
      expect(await keep.get(bundle.digest)).toBeUndefined()
      await clock.advance(1000)
    }
    expect(asked.length).toBeLessThan(9)
    expect(timesTold()).toBeGreaterThanOrEqual(asked.length - 1)
    answers.set(bundle.digest, () => bundle.bytes)
    await clock.advance(5 * 60_000)
    expect((await keep.get(bundle.digest))?.digest).toBe(bundle.digest)
  })

  test('that were altered where they are kept are fetched again, not handed out', async () => {
    const { keep, asked, answers, state } = world()
    const bundle = bundleOf('a')
    answers.set(bundle.digest, () => bundle.bytes)
    await keep.get(bundle.digest)
    await state.put(`bundles/${bundle.digest.slice(7)}`, Buffer.from('{}'))
    expect((await keep.get(bundle.digest))?.objects.length).toBe(1)
    expect(asked.length).toBe(2)
  })

  test('go when nothing has named them for a day, and not before', async () => {
    const { keep, answers, state, clock } = world()
    const [used, unused] = [bundleOf('a'), bundleOf('b')]
    for (const bundle of [used, unused]) {
      answers.set(bundle.digest, () => bundle.bytes)
      await keep.get(bundle.digest)
    }
    const named = new Set([used.digest])
    await keep.sweep(named)
    await clock.advance(23 * HOUR_MS)
    await keep.sweep(named)
    expect((await state.list('bundles/')).length).toBe(2)
    await keep.sweep(new Set([used.digest, unused.digest]))
    await clock.advance(2 * HOUR_MS)
    await keep.sweep(named)
    expect((await state.list('bundles/')).length).toBe(2)
    await clock.advance(25 * HOUR_MS)
    await keep.sweep(named)
    expect(await state.list('bundles/')).toEqual([`bundles/${used.digest.slice(7)}`])
  })
})

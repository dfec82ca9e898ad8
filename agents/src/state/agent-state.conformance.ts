import type { AgentState } from '@flotilla/core/ports/agent-state'
import { afterEach, describe, expect, test } from 'vitest'

const text = (value: string): Uint8Array => Buffer.from(value)
const read = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString()

/**
 * What every AgentState does alike. `open` is called again on the same `place` to see what outlives a process, and at
 * the same time to see what two processes make of each other.
 */
export function agentStateConformance(
  name: string,
  options: {
    readonly place: () => Promise<string>
    readonly open: (place: string) => Promise<AgentState>
    /**
     * Opens it as a process that dies at its `step`th step outside itself: before it has had an effect, or after,
     * without hearing of it. Absent where there is nothing outside.
     */
    readonly openDying?: (place: string, step: number, when: 'before' | 'after') => Promise<AgentState>
  },
): void {
  describe(`${name} keeps what an agent keeps`, () => {
    const opened: AgentState[] = []
    const open = async (place: string): Promise<AgentState> => {
      const state = await options.open(place)
      opened.push(state)
      return state
    }
    afterEach(async () => {
      for (const state of opened.splice(0)) await state.close()
    })

    test('what was put is there, for the next process too; what was not is undefined', async () => {
      const place = await options.place()
      const state = await open(place)
      await state.put('documents/application/a', text('one'))
      expect(read(await state.get('documents/application/a'))).toBe('one')
      expect(await state.get('documents/application/b')).toBeUndefined()
      expect(read(await (await open(place)).get('documents/application/a'))).toBe('one')
    })

    test('a later put replaces, and values are bytes of any kind', async () => {
      const place = await options.place()
      const state = await open(place)
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
      await state.put('key', text('one'))
      await state.put('key', bytes)
      await state.put('empty', new Uint8Array())
      const again = await open(place)
      expect(Buffer.from((await again.get('key')) ?? [])).toEqual(Buffer.from(bytes))
      expect((await again.get('empty'))?.length).toBe(0)
    })

    test('of two that put where nothing is, one wins and both read its value', async () => {
      const place = await options.place()
      const [a, b] = [await open(place), await open(place)]
      const [fromA, fromB] = await Promise.all([
        a.putIfAbsent('agent-key', text('A')),
        b.putIfAbsent('agent-key', text('B')),
      ])
      expect(read(fromA)).toBe(read(fromB))
      expect(['A', 'B']).toContain(read(fromA))
      expect(read(await (await open(place)).get('agent-key'))).toBe(read(fromA))
      expect(read(await a.putIfAbsent('agent-key', text('C')))).toBe(read(fromA))
    })

    test('keys are listed by prefix, sorted, and deleted ones are gone', async () => {
      const place = await options.place()
      const state = await open(place)
      for (const key of ['grants/b', 'grants/a', 'Grants/A', 'other', 'grants/../../x', 'grants/%2e.é']) {
        await state.put(key, text(key))
      }
      expect(await state.list('grants/')).toEqual(['grants/%2e.é', 'grants/../../x', 'grants/a', 'grants/b'])
      await state.delete('grants/a')
      await state.delete('never-there')
      expect(await state.list('grants/')).toEqual(['grants/%2e.é', 'grants/../../x', 'grants/b'])
      expect(await state.get('grants/a')).toBeUndefined()
      expect(read(await (await open(place)).get('Grants/A'))).toBe('Grants/A')
    })

    test('a value of three megabytes that does not compress is kept whole', async () => {
      const place = await options.place()
      const state = await open(place)
      const bytes = Buffer.alloc(3 * 1024 * 1024)
      let seed = 7
      for (let index = 0; index < bytes.length; index++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
        bytes[index] = seed >>> 16
      }
      await state.put('bundles/big', bytes)
      await state.put('bundles/small', text('small'))
      expect(bytes.equals(Buffer.from((await (await open(place)).get('bundles/big')) ?? []))).toBe(true)
      await state.delete('bundles/big')
      expect(await (await open(place)).get('bundles/big')).toBeUndefined()
    })

    test('many puts at once are all kept', async () => {
      const place = await options.place()
      const state = await open(place)
      const keys = Array.from({ length: 60 }, (_, index) => `documents/${index}`)
      await Promise.all(keys.map(key => state.put(key, text(key))))
      const again = await open(place)
      expect((await again.list('documents/')).length).toBe(60)
      for (const key of keys) expect(read(await again.get(key))).toBe(key)
    })

    test('of two processes that change the same and other keys at once, every change is one of them, whole', async () => {
      const place = await options.place()
      const [a, b] = [await open(place), await open(place)]
      for (let round = 0; round < 4; round++) {
        await Promise.all([
          a.put('shared', Buffer.alloc(60_000, 1)),
          b.put('shared', Buffer.alloc(50_000, 2)),
          a.put(`a/${round}`, text('a')),
          b.put(`b/${round}`, text('b')),
          round % 2 === 0 ? a.put('gone', text('x')) : b.delete('gone'),
        ])
      }
      const again = await open(place)
      const shared = (await again.get('shared')) ?? new Uint8Array()
      expect([60_000, 50_000]).toContain(shared.length)
      expect(new Set(shared).size).toBe(1)
      expect(await again.list('a/')).toHaveLength(4)
      expect(await again.list('b/')).toHaveLength(4)
      expect(await again.get('gone')).toBeUndefined()
    })

    const { openDying } = options
    for (const when of openDying ? (['before', 'after'] as const) : []) {
      test(`killed at any step, ${when} it is done, the old value stands or the new one, and what was there stays`, async () => {
        let finished = false
        for (let step = 1; !finished; step++) {
          const place = await options.place()
          const before = await open(place)
          await before.put('big', Buffer.alloc(40_000, 1))
          await before.put('small', text('1'))
          await before.put('other', text('other'))
          finished = await dies(() => openDying!(place, step, when))
          const after = await open(place)
          const big = (await after.get('big')) ?? new Uint8Array()
          expect(big.length).toBe(40_000)
          expect(new Set(big).size).toBe(1)
          expect(['1', '2', undefined]).toContain(read(await after.get('small')))
          expect(read(await after.get('other'))).toBe('other')
          expect(['first', undefined]).toContain(read(await after.get('key')))
          expect(read(await after.putIfAbsent('key', text('second')))).toMatch(/first|second/)
          await after.put('big', Buffer.alloc(41_000, 3))
          expect((await (await open(place)).get('big'))?.length).toBe(41_000)
          expect(step).toBeLessThan(200)
        }
      })
    }

    test('what a caller changes after a put or a get changes nothing here', async () => {
      const state = await open(await options.place())
      const value = Buffer.from('one')
      await state.put('key', value)
      value.fill(0)
      const got = (await state.get('key')) ?? new Uint8Array()
      expect(read(got)).toBe('one')
      got.fill(0)
      expect(read(await state.get('key'))).toBe('one')
    })
  })
}

/** Changes everything that can be changed; whether it lived to the end. */
async function dies(openIt: () => Promise<AgentState>): Promise<boolean> {
  try {
    const state = await openIt()
    await Promise.all([state.put('big', Buffer.alloc(40_000, 2)), state.put('small', text('2'))])
    await state.putIfAbsent('key', text('first'))
    await state.delete('small')
    return true
  } catch (error) {
    if (/killed/.test(chainOf(error))) return false
    throw error
  }
}

function chainOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${chainOf(error.cause)}` : ''
}

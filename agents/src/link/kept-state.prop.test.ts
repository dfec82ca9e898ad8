import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { signJws } from '@flotilla/core/protocol/jws'
import {
  sampleCalendar,
  sampleContext,
  sampleGrant,
  sampleKey,
  sampleOffer,
  sampleTombstone,
} from '@flotilla/core/protocol/samples'
import { FUZZ_CASES, hostileBytes, hostileJson, noise } from '@flotilla/core/protocol/testing/hostile'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { HeldCommands } from './held-commands.ts'
import { HeldDocuments } from './held-documents.ts'
import { HeldGrants } from './held-grants.ts'
import { retryAfterMs } from './hub-client.ts'
import { HubClock } from './hub-clock.ts'
import { loadAdmission } from './identity.ts'
import { folderIncarnation } from './incarnation.ts'
import { proxyFor } from './proxy-settings.ts'

const key = sampleKey()
const { cluster, keys } = sampleContext(key)
const documents = [sampleOffer(1), sampleTombstone(2), sampleCalendar(3), sampleGrant()]
const signed = fc.oneof(
  fc.constantFrom(...documents.map(payload => signJws(payload.typ, payload, key))),
  hostileJson(fc.constantFrom(...documents)).map(payload => signJws('offer', payload as object, key)),
)
const json = hostileJson(
  fc.constantFrom(
    { id: 'grant-1', outcome: 'started', reason: 'x' },
    { expires: 5, answer: { id: 'c', outcome: 'done', message: '' }, acknowledged: true },
    { jws: signJws('admission', sampleOffer(1), key), kid: key.kid, hubId: 'h', tokenId: 't' },
    { 'app-1': { epoch: 1, n: 2 } },
  ),
).map(value => canonicalJson(JSON.parse(JSON.stringify(value, plain) ?? 'null')))

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** What may stand in a folder or a Secret after years: ours, ours and damaged, or somebody else's. */
const kept = fc.oneof(
  ...[signed, json, noise].map(texts => texts.map(text => Uint8Array.from(Buffer.from(text)))),
  hostileBytes(signed.map(text => Buffer.from(text))),
  fc
    .constantFrom('', 'Infinity', '1e999', '-5', '0x10', '9007199254740993', 'NaN', '12abc')
    .map(text => Buffer.from(text)),
)

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

async function stateWith(entries: readonly (readonly [string, Uint8Array])[]): Promise<MemoryState> {
  const state = new MemoryState()
  for (const [name, value] of entries) await state.put(name, value)
  return state
}

describe('what an agent finds of its own when it starts, whatever it has become,', () => {
  const names = ['documents/app-app-1', 'documents/calendar', 'documents/retired', 'retired', 'grants/grant-1']
  const more = ['settled/grant-1', 'commands/c-1', 'admission']

  test('is read or left out, and the agent starts', async () => {
    const entries = fc.array(fc.tuple(fc.constantFrom(...names, ...more), kept), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(entries, async list => {
        const state = await stateWith(list)
        const held = new HeldDocuments(state, silent)
        await held.load({ cluster, keys })
        expect(held.digest(key.kid)).toMatch(/^sha256:/)
        await new HeldGrants(state, silent).load({ cluster, keys, adm: 1 })
        await new HeldCommands(state, silent).load()
        expect(await loadAdmission(state, key)).toBeUndefined()
      }),
      { numRuns: FUZZ_CASES },
    )
  })

  test('gives an incarnation that can be counted on, and a floor of time that is a time', async () => {
    await fc.assert(
      fc.asyncProperty(kept, kept, async (incarnation, floor) => {
        const state = await stateWith([
          ['incarnation', incarnation],
          ['hub-time', floor],
        ])
        const { inc } = await folderIncarnation(state, () => 'i').acquire()
        expect(Number.isSafeInteger(inc) && inc > 0).toBe(true)
        const clock = new HubClock(
          new VirtualClock({ startAt: 1_900_000_000_000, settle: async () => undefined }),
          state,
        )
        await clock.load()
        clock.asked('nonce')
        await clock.heard({ typ: 'pulse', cluster, nonce: 'nonce', now: 1_900_000_000_000 })
        expect(Number.isSafeInteger(clock.now())).toBe(true)
      }),
      { numRuns: FUZZ_CASES },
    )
  })
})

describe('what a stranger between an agent and its hub says', () => {
  test('cannot keep the agent away for more than ten minutes', () => {
    const words = fc.oneof(noise, fc.double().map(String), fc.bigInt().map(String))
    fc.assert(
      fc.property(words, text => {
        const waitMs = retryAfterMs({ 'retry-after': text })
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(600_000)
      }),
      { numRuns: FUZZ_CASES },
    )
  })
})

describe('an environment', () => {
  test('names a proxy that can be used, or is refused as no URL, whatever stands in it', () => {
    const value = fc.oneof(noise, fc.webUrl(), fc.constantFrom('*', '.example', 'host:80', 'http://u:p@h:1', '::1'))
    fc.assert(
      fc.property(value, value, (proxy, none) => {
        try {
          const chosen = proxyFor(new URL('https://hub.example'), { HTTPS_PROXY: proxy, NO_PROXY: none })
          if (chosen !== undefined) expect(URL.canParse(String(chosen))).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
        }
      }),
      { numRuns: FUZZ_CASES },
    )
  })
})

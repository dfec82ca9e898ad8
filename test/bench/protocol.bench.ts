import { sign, verify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { ClusterRow } from '@flotilla/core/ports/store'
import { checkAssertion, makeAssertion, readAssertion } from '@flotilla/core/protocol/assertion'
import { importPublicKey } from '@flotilla/core/protocol/ed25519'
import { signJws } from '@flotilla/core/protocol/jws'
import { sampleContext, sampleInterval, sampleKey, sampleOffer } from '@flotilla/core/protocol/samples'
import { readDocument } from '@flotilla/core/protocol/signed-document'
import { hubKeysOf, newHubKeyFile } from '@flotilla/hub/gateway/hub-keys'
import { issueCalendar } from '@flotilla/hub/gateway/issue-documents'
import { openSqliteStore } from '@flotilla/hub/store/sqlite-store'
import type { Benchmark, Figure } from './figure.ts'

const TIMES = 3_000
const CLUSTERS = 1_000
const HOUR_MS = 60 * 60_000
const clock = createClock(globalThis)
const random = seededRandom(5)

/**
 * What signatures cost: a document signed and read, an assertion made and checked, each beside the bare signature of as
 * many bytes; and a freeze over a thousand clusters, from a decision to as many signed calendars that are durable.
 */
export const run: Benchmark = async () => [...signatures(), await calendars()]

function signatures(): Figure[] {
  const key = sampleKey()
  const publicKey = importPublicKey(key.publicKey)!
  const context = sampleContext(key)
  const offers = Array.from({ length: TIMES }, (_, n) => sampleOffer(n))
  const signed = offers.map(offer => signJws('offer', offer, key))
  const [bytes] = signed.map(text => Buffer.from(text))
  const signature = sign(null, bytes!, key.privateKey)
  const asked = {
    ...{ cluster: context.cluster, admission: 1, hubId: 'hub', now: 1_000_000, method: 'GET' as const },
    ...{ path: '/agent/v1/documents', inc: 1, inst: 'i' },
  }
  const header = makeAssertion(asked, key)
  const expected = { ...asked, key: publicKey }
  const bareSign = perSecond(() => sign(null, bytes!, key.privateKey))
  const bareVerify = perSecond(() => verify(null, bytes!, publicKey, signature))
  const read = (n: number): void => {
    if (readDocument(signed[n]!, context).kind !== 'read') throw new Error('the document was refused')
  }
  const check = (): void => {
    const assertion = readAssertion(header)
    if (assertion.kind !== 'read' || checkAssertion(assertion, expected)) throw new Error('the assertion was refused')
  }
  const row = (figure: string, value: number, baseline: number, baselineOf: string): Figure => ({
    ...{ figure, value, baseline, baselineOf, unit: '/s' },
  })
  return [
    row(
      'documents signed',
      perSecond(n => signJws('offer', offers[n]!, key)),
      bareSign,
      'Ed25519 alone',
    ),
    row('documents verified and read', perSecond(read), bareVerify, 'Ed25519 alone'),
    row(
      'assertions made',
      perSecond(() => makeAssertion(asked, key)),
      bareSign,
      'Ed25519 alone',
    ),
    row('assertions checked', perSecond(check), bareVerify, 'Ed25519 alone'),
  ]
}

async function calendars(): Promise<Figure> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-protocol-'))
  const log = { debug() {}, info() {}, warn() {}, error: console.error, child: () => log }
  const store = await openSqliteStore({ directory, clock, log })
  try {
    const keys = hubKeysOf(newHubKeyFile(random, clock.now(), '01890000-0000-7000-8000-00000000aaaa'))
    const ids = Array.from({ length: CLUSTERS }, (_, n) => `cluster-${n}`)
    const at = clock.now()
    await store.write(async rows => {
      for (const id of ids) await rows.putCluster(clusterRow(id, at))
    })
    const freeze = async (rule: string): Promise<number> => {
      const interval = sampleInterval({ rule, from: at, to: at + 24 * HOUR_MS })
      const from = performance.now()
      await store.write(async rows => {
        for (const id of ids) {
          const content = { intervals: [interval], void: [], horizonMs: 48 * HOUR_MS }
          await issueCalendar(rows, keys, clock, id, content)
        }
      })
      return performance.now() - from
    }
    await freeze('the first finds everything cold')
    const signedMs = await freeze('freeze-1')
    return {
      figure: `a freeze over ${CLUSTERS} clusters: calendars signed and durable`,
      unit: 'ms',
      value: Math.round(signedMs),
      target: '< 500, with the sending',
    }
  } finally {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function clusterRow(id: string, joinedAt: number): ClusterRow {
  return { id, name: id, admission: 1, incarnation: 1, epoch: 1, lastNumber: 0, joinedAt, versions: {} }
}

function perSecond(work: (n: number) => unknown): number {
  for (let n = 0; n < TIMES / 10; n++) work(n)
  const from = performance.now()
  for (let n = 0; n < TIMES; n++) work(n)
  return Math.round((TIMES * 1000) / (performance.now() - from))
}

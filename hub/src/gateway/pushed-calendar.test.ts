import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { sampleInterval } from '@flotilla/core/protocol/samples'
import { readDocument } from '@flotilla/core/protocol/signed-document'
import { describe, expect, test } from 'vitest'
import { MemoryBundles } from '../bundle/memory-bundles.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleCluster } from '../store/sample-rows.ts'
import { Conversation } from './conversation.ts'
import { hubKeysOf, newHubKeyFile } from './hub-keys.ts'
import { issueCalendar } from './issue-documents.ts'
import { DEFAULT_GATEWAY_LIMITS } from './limits.ts'

const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => Promise.resolve() })
const random = seededRandom(9)
const keys = hubKeysOf(newHubKeyFile(random, clock.now(), 'hub-1'))
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

async function talking() {
  const store = new MemoryStore()
  await store.write(rows => rows.putCluster(sampleCluster({ id: 'eu' })))
  const events = { reported: () => undefined, connected: () => undefined, heartbeat: () => undefined }
  const hub = { store, bundles: new MemoryBundles(() => clock.now()), keys, clock, random, log: silent, events }
  const conversation = new Conversation('eu', { ...hub, clusters: () => 1 }, DEFAULT_GATEWAY_LIMITS)
  const issue = (intervals: Parameters<typeof issueCalendar>[4]['intervals']) =>
    store.write(rows => issueCalendar(rows, keys, clock, 'eu', { intervals, void: [], horizonMs: 3_600_000 }))
  return { conversation, issue }
}

describe('the word that something changed', () => {
  test('brings a new calendar with it, once', async () => {
    const { conversation, issue } = await talking()
    expect(await conversation.changed()).toEqual({ kind: 'changed', upTo: '1.0' })
    await issue([sampleInterval()])
    const frame = await conversation.changed()
    expect(frame).toMatchObject({ upTo: '1.1', nothingOpen: true })
    const jws = frame.kind === 'changed' ? (frame.calendar ?? '') : ''
    const read = readDocument(jws, { cluster: 'eu', adm: 1, keys: keys.publicKeys })
    expect(read).toMatchObject({ kind: 'read', document: { typ: 'calendar', intervals: [{ rule: 'freeze-1' }] } })
    expect(await conversation.changed()).toEqual({ kind: 'changed', upTo: '1.1' })
    await issue([])
    expect(await conversation.changed()).toMatchObject({ upTo: '1.2', calendar: expect.any(String) })
  })

  test('leaves a very long one to be asked for', async () => {
    const { conversation, issue } = await talking()
    await issue(Array.from({ length: 3000 }, (_, index) => sampleInterval({ rule: `freeze-${index}` })))
    expect(await conversation.changed()).toEqual({ kind: 'changed', upTo: '1.1' })
  })
})

import type { Store, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryStore } from './memory-store.ts'
import * as sample from './sample-rows.ts'
import { openTestStore } from './test-store.ts'

type Step = readonly [name: string, change: (rows: StoreWriter) => Promise<unknown>]

const pick = <const T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const small = fc.integer({ min: 0, max: 3 })
const text = fc.oneof(pick('a', 'b', 'B', 'é', '\u{1f600}', '\uffee'), fc.string({ maxLength: 4 }))
const cluster = pick('cluster-1', 'cluster-2', 'unknown')
const id = pick('1', '2', '3')
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const digest = pick('d1', 'd2', 'd3').map(sample.digestOf)

function step<T>(name: string, given: fc.Arbitrary<T>, change: (rows: StoreWriter, value: T) => Promise<unknown>) {
  return given.map((value): Step => [`${name} ${JSON.stringify(value)}`, rows => change(rows, value)])
}

/** Each change of the port, on few keys, so that rows meet. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  step('putSetting', fc.record({ key: id, value: text }), (rows, { key, value }) => rows.putSetting(key, { value })),
  step('putSource', fc.record({ name: text, revision: id }), (rows, over) => rows.putSource(sample.sampleSource(over))),
  step('deleteSource', text, (rows, name) => rows.deleteSource(name)),
  step(
    'putSourceDocuments',
    fc.record({
      source: pick('platform', 'team'),
      documents: fc.array(fc.record({ file: text, index: small, text }), { maxLength: 4 }),
    }),
    (rows, { source, documents }) =>
      rows.putSourceDocuments(
        source,
        documents.map(over => sample.sampleSourceDocument({ source, ...over })),
      ),
  ),
  step('putSet', fc.record({ key: text, name: id }), (rows, over) => rows.putSet(sample.sampleSet(over))),
  step('putDeletionPlan', fc.record({ id, since: small }), (rows, over) =>
    rows.putDeletionPlan(sample.samplePlan(over)),
  ),
  step(
    'putMadeGate',
    fc.record({ id, kind: pick('FreezePeriod', 'SyncWindow'), madeAt: small, revision: small }),
    (rows, over) => rows.putMadeGate(sample.sampleMadeGate(over)),
  ),
  step('putOverride', fc.record({ id, requestedAt: small, useCount: small }), (rows, over) =>
    rows.putOverride(sample.sampleOverride(over)),
  ),
  step('putCalendar', fc.record({ name: text, checkedAt: small }), (rows, over) =>
    rows.putCalendar(sample.sampleCalendar(over)),
  ),
  step('deleteCalendar', text, (rows, name) => rows.deleteCalendar(name)),
  step('deleteDeletionPlan', id, (rows, key) => rows.deleteDeletionPlan(key)),
  step('deleteSet', text, (rows, key) => rows.deleteSet(key)),
  step(
    'putApplication',
    fc.record({
      id,
      name: text,
      state: pick('active', 'withdrawn', 'orphaned'),
      clusterId: optional(cluster),
      set: optional(id),
      source: id,
      digest: optional(digest),
      createdAt: small,
      labels: fc.dictionary(pick('a', 'b', '__proto__', 'constructor'), text),
    }),
    (rows, over) => rows.putApplication(sample.sampleApplication(over)),
  ),
  step('deleteApplication', id, (rows, key) => rows.deleteApplication(key)),
  step(
    'putCluster',
    fc.record({
      id: cluster,
      name: pick('eu-1', 'eu-2'),
      admission: small,
      epoch: small,
      lastNumber: small,
      uid: optional(id),
    }),
    (rows, over) => rows.putCluster(sample.sampleCluster(over)),
  ),
  step('deleteCluster', cluster, (rows, key) => rows.deleteCluster(key)),
  step('nextNumber', cluster, (rows, key) => rows.nextNumber(key)),
  step('putJoinToken', fc.record({ id, createdAt: small }), (rows, over) =>
    rows.putJoinToken(sample.sampleJoinToken(over)),
  ),
  step(
    'putDocument',
    fc.record({
      clusterId: cluster,
      key: pick('calendar', 'application/1', 'application/2'),
      number: fc.record({ epoch: small, n: small }),
      digest: optional(digest),
      meaning: id,
    }),
    (rows, over) => rows.putDocument(sample.sampleDocument(over)),
  ),
  step('deleteDocument', fc.tuple(cluster, pick('calendar', 'application/1')), (rows, [key, document]) =>
    rows.deleteDocument(key, document),
  ),
  step(
    'putGrant',
    fc.record({ id, clusterId: cluster, state: pick('open', 'started', 'void'), createdAt: small }),
    (rows, over) => rows.putGrant(sample.sampleGrant(over)),
  ),
  step(
    'putCommand',
    fc.record({ id, clusterId: cluster, state: pick('open', 'done'), createdAt: small }),
    (rows, over) => rows.putCommand(sample.sampleCommand(over)),
  ),
  step('putKeptAnswer', fc.record({ principal: id, key: id, expiresAt: small }), (rows, over) =>
    rows.putKeptAnswer(sample.sampleKeptAnswer(over)),
  ),
  step('deleteKeptAnswers', small, (rows, before) => rows.deleteKeptAnswers(before)),
  step('putBulkOperation', fc.record({ id, madeAt: small }), (rows, over) =>
    rows.putBulkOperation(sample.sampleBulkOperation(over)),
  ),
  step('putBulkItem', fc.record({ bulk: id, place: small }), (rows, over) =>
    rows.putBulkItem(sample.sampleBulkItem({ ...over, place: Math.floor(over.place) })),
  ),
  step('deleteBulkOperations', small, (rows, before) => rows.deleteBulkOperations(before)),
  step('deleteCommands', small, (rows, before) => rows.deleteCommands(before)),
  step(
    'putReport',
    fc.record({
      applicationId: id,
      clusterId: cluster,
      admission: small,
      inc: small,
      n: small,
      held: optional(digest),
    }),
    (rows, { applicationId, clusterId, admission, ...entry }) =>
      rows.putReport(sample.sampleReport({ applicationId, clusterId, admission }, entry)),
  ),
  step('deleteReport', id, (rows, key) => rows.deleteReport(key)),
  step(
    'putOperation',
    fc.record({ id, clusterId: cluster, applicationId: id, digest, message: text, firstHeardAt: optional(small) }),
    (rows, { digest: given, message, ...over }) =>
      rows.putOperation(sample.sampleOperation(over, { digest: given, message })),
  ),
  step('putRenderMemo', fc.tuple(id, digest), (rows, [key, given]) => rows.putRenderMemo(key, given)),
  step('putBundle', fc.record({ digest, size: small }), (rows, over) => rows.putBundle(sample.sampleBundle(over))),
  step('deleteBundle', digest, (rows, given) => rows.deleteBundle(given)),
  step('putToken', fc.record({ id, createdAt: small }), (rows, over) => rows.putToken(sample.sampleToken(over))),
  step('putSession', fc.record({ id, owner: id, createdAt: small, lastUsedAt: small }), (rows, over) =>
    rows.putSession(sample.sampleSession(over)),
  ),
  step('deleteSession', id, (rows, key) => rows.deleteSession(key)),
  step('putPerson', fc.record({ id, signedOutAt: optional(small) }), (rows, over) =>
    rows.putPerson(sample.samplePerson(over)),
  ),
  step('putSignedOut', fc.record({ id: digest, until: small }), (rows, row) => rows.putSignedOut(row)),
  step('deleteSignedOut', small, (rows, until) => rows.deleteSignedOut(until)),
  step('deleteToken', id, (rows, key) => rows.deleteToken(key)),
  step('putEnrolment', fc.record({ id, tokenId: id, requestedAt: small, askedAt: small }), (rows, over) =>
    rows.putEnrolment(sample.sampleEnrolment(over)),
  ),
  step('putAlert', fc.record({ id, since: small }), (rows, over) => rows.putAlert(sample.sampleAlert(over))),
  step('deleteAlert', id, (rows, key) => rows.deleteAlert(key)),
  step('putIncident', fc.record({ id, total: small }), (rows, over) => rows.putIncident(sample.sampleIncident(over))),
  step('deleteIncident', id, (rows, key) => rows.deleteIncident(key)),
  step('putMessage', fc.record({ id, state: pick('waiting', 'sent', 'dead') }), (rows, over) =>
    rows.putMessage(sample.sampleMessage(over)),
  ),
  step('deleteMessage', id, (rows, key) => rows.deleteMessage(key)),
  step('deleteEnrolment', id, (rows, key) => rows.deleteEnrolment(key)),
  step(
    'appendActivity',
    fc.record({ at: small, by: text, key: optional(id), name: id }),
    (rows, { at, by, key, name }) =>
      rows.appendActivity({
        ...{ at, event: 'commit', subject: name, by, message: '', applicationsCut: 0, detail: {} },
        applications: [{ name, project: 'shop', cluster: 'eu-1' }],
        ...(key !== undefined && { key }),
      }),
  ),
  step('trimActivity', fc.record({ keep: small, since: small }), (rows, bounds) => rows.trimActivity(bounds)),
  step('appendAudit', fc.record({ at: small, actor: text }), (rows, over) =>
    rows.appendAudit({ action: 'sync', subject: 'shop', detail: {}, ...over }),
  ),
)

/** A write: its steps, and whether its work throws at the end. */
const anyWrite = fc.record({
  steps: fc.array(anyStep, { minLength: 1, maxLength: 25, size: 'max' }),
  throws: fc.integer({ max: 4, min: 0 }).map(number => number === 0),
})

async function perform(store: Store, steps: readonly Step[], throws: boolean): Promise<unknown> {
  const results: unknown[] = []
  const write = store.write(async rows => {
    for (const [, change] of steps) results.push((await change(rows)) ?? null)
    if (throws) throw new Error('no')
  })
  return await write.then(
    () => ({ results, counters: store.counters }),
    () => ({ failed: true, results, counters: store.counters }),
  )
}

async function everything(rows: StoreReader): Promise<unknown> {
  const ids = ['1', '2', '3']
  const clusters = ['cluster-1', 'cluster-2', 'unknown']
  const digests = ['d1', 'd2', 'd3'].map(sample.digestOf)
  const of = <K, V>(keys: readonly K[], read: (key: K) => Promise<V>): Promise<V[]> => Promise.all(keys.map(read))
  return {
    settings: await of(ids, key => rows.setting(key)),
    sources: await rows.sources(),
    sourceDocuments: await of(['platform', 'team'], key => rows.sourceDocuments(key)),
    sets: await rows.sets(),
    applications: await rows.applications(),
    filtered: [
      await of(clusters, clusterId => rows.applications({ clusterId })),
      await rows.applications({ set: '1' }),
    ],
    named: await of(['a', 'b', 'B', 'é'], name => rows.applicationByName(name)),
    clusters: await rows.clusters(),
    joinTokens: await rows.joinTokens(),
    told: [await rows.alerts(), await rows.incidents(), await rows.messages(), await rows.messages('sent')],
    message: await of(ids, key => rows.message(key)),
    enrolments: [await rows.enrolments(), await of(ids, key => rows.enrolments(key))],
    documents: await of(clusters, key => rows.documents(key)),
    later: await of(clusters, key => rows.documents(key, { epoch: 1, n: 1 })),
    offers: await of(clusters, key => of(digests, given => rows.offersDigest(key, given))),
    grants: [await of(ids, key => rows.grant(key)), await of(clusters, key => rows.openGrants(key))],
    laterGrants: await of(clusters, key => of(ids, id => rows.grantsAfter(key, id))),
    commands: [await of(ids, key => rows.command(key)), await of(clusters, key => rows.openCommands(key))],
    answers: await of(ids, who => of(ids, key => rows.keptAnswer(who, key))),
    operation: await of(clusters, key => of(ids, each => rows.operation(key, each))),
    reports: [await rows.reports(), await rows.reports('cluster-1')],
    operations: await of(ids, key => rows.operations(key, { limit: 3 })),
    memos: await of(ids, key => rows.renderMemo(key)),
    bundles: await of(digests, key => rows.bundle(key)),
    referenced: [[...(await rows.referencedDigests())].sort(), [...(await rows.referencedDigests(2))].sort()],
    many: await of(ids, key => rows.bulkOperation(key)),
    activity: [await rows.activity({ limit: 10 }), await rows.activityAfter({ limit: 3, after: 1 })],
    signIn: [await rows.sessions(), await rows.sessions('1'), await of(ids, key => rows.person(key))],
    signedOut: await of(digests, key => rows.signedOut(key)),
    tokens: await rows.tokens(),
    plans: await rows.deletionPlans(),
    gates: [await rows.freezes(), await rows.windows()],
    overrides: [await rows.overrides(), await of(ids, key => rows.override(key))],
    calendars: await rows.calendars(),
    audit: [await rows.audit({ limit: 5 }), await rows.audit({ limit: 5, before: 3 })],
    chain: [await rows.auditAfter({ limit: 5, after: 2 }), await rows.auditHead()],
  }
}

it('any sequence of writes leaves the same rows, results and counters in memory and in SQLite', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyWrite, { minLength: 1, maxLength: 12, size: 'max' }), async writes => {
      const [memory, sqlite] = [new MemoryStore(), await openTestStore()]
      try {
        for (const store of [memory, sqlite]) {
          await store.write(rows => rows.putCluster(sample.sampleCluster()))
        }
        for (const { steps, throws } of writes) {
          const expected = await perform(memory, steps, throws)
          expect(await perform(sqlite, steps, throws), steps.map(([name]) => name).join('\n')).toEqual(expected)
        }
        expect(await sqlite.read(everything)).toEqual(await memory.read(everything))
      } finally {
        await sqlite.close()
      }
    }),
    { numRuns: 60 },
  )
}, 300_000)

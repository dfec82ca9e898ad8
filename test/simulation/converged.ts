import { equalJson, isJsonObject, type Json } from '@flotilla/core/json/json'
import { type KubernetesObject, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { APPLICATION_LABEL, trackedBy } from '@flotilla/core/plan/tracking'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import { FleetView } from '@flotilla/hub/api/fleet-view'
import { placed, type WantedApplication } from './declared-fleet.ts'
import type { SimulatedFleet } from './fleet.ts'
import type { SimulatedAgent } from './simulated-agent.ts'

/** What keeps a fleet from being as its repositories declare it, in sentences; empty when nothing does. */
export async function notConverged(fleet: SimulatedFleet): Promise<readonly string[]> {
  const missing: string[] = []
  const wanted = fleet.declared.wanted()
  const rows = await fleet.store.read(reader => reader.applications())
  const names = new Set(wanted.map(({ name }) => name))
  for (const row of rows) if (!names.has(row.name)) missing.push(`${row.name} is still there, ${row.state}`)
  for (const application of wanted) {
    const named = rows.filter(({ name }) => name === application.name)
    if (named.length > 1) missing.push(`${application.name} is there ${named.length} times`)
    const row = named.find(({ state }) => state === 'active')
    if (row) missing.push(...(await applicationIsNot(fleet, application, row)))
    else missing.push(`${application.name} is not an Application of the hub`)
  }
  for (const agent of fleet.agents.values()) missing.push(...(await clusterIsNot(fleet, agent, rows, wanted)))
  missing.push(...(await viewIsNot(fleet)))
  return missing
}

async function applicationIsNot(
  fleet: SimulatedFleet,
  { name, cluster, objects }: WantedApplication,
  row: ApplicationRow,
): Promise<readonly string[]> {
  if (fleet.laws.unannounced > 0 && isHeldUnderAnotherId(fleet, cluster, name, row.id)) return []
  if (row.hold) return [`${name} is held: ${row.hold.code} ${row.hold.reason}`]
  if (!row.digest || row.clusterName !== cluster) return [`${name} has no Bundle for ${cluster}`]
  const bundle = await fleet.laws.contents.objectsOf(row.digest)
  if (!bundle || !sameObjects(bundle, objects)) return [`${name}: the hub has not rendered the newest revision`]
  const missing: string[] = []
  for (const object of bundle) {
    const key = placed(object)
    const live = fleet.agent(cluster).cluster.read(key)
    if (!live) missing.push(`${name}: ${objectKeyText(key)} is not there`)
    else if (!covers(live, withoutMetadata(object)))
      missing.push(`${name}: ${objectKeyText(key)} is not as in the Bundle`)
    else if (trackedBy(live) !== row.id) missing.push(`${name}: ${objectKeyText(key)} is not marked as its own`)
  }
  const report = await fleet.store.read(reader => reader.report(row.id))
  if (!report) return [...missing, `${name} was not reported on`]
  const { held, lastSucceeded, sync, health, gone } = report.entry
  if (gone) missing.push(`${name} is reported gone`)
  if (held !== row.digest) missing.push(`${name}: the agent does not hold the newest Bundle`)
  if (lastSucceeded !== row.digest) missing.push(`${name}: the newest Bundle has not succeeded`)
  const view = fleet.hub?.view.application(name, fleet.clock.now())
  const shown = `${view?.sync.status} ${view?.health.status}`
  if (sync.status !== 'Synced' || health.status !== 'Healthy') {
    missing.push(`${name} is reported ${sync.status} ${health.status}: ${sync.message ?? health.message ?? ''}`)
  }
  if (shown !== 'Synced Healthy') missing.push(`${name} is shown as ${shown}`)
  return missing
}

async function clusterIsNot(
  fleet: SimulatedFleet,
  { name, cluster, link }: SimulatedAgent,
  rows: readonly ApplicationRow[],
  wanted: readonly WantedApplication[],
): Promise<readonly string[]> {
  const missing: string[] = []
  const own = wanted.filter(application => application.cluster === name)
  const keys = new Set(own.flatMap(({ objects }) => objects.map(object => objectKeyText(placed(object)))))
  const unknown = await unknownToTheHub(fleet, name, own)
  for (const live of cluster.objects()) {
    const key = objectKeyText(placed(live))
    const owner = live.metadata.labels?.[APPLICATION_LABEL]
    // A hub whose store was lost, or went back, has never heard of what Git had dropped by then; what a copy was believed
    // to have removed has ended, and what was declared again takes along no more than it wants.
    const isEnded = fleet.laws.restores > 0 || fleet.laws.acknowledged.endedByCopies.has(owner ?? '')
    const forgotten = isEnded && !rows.some(({ id }) => id === owner)
    if (owner && !keys.has(key) && !unknown.has(owner) && !forgotten) missing.push(`${name}: ${key} is left over`)
  }
  const row = await fleet.store.read(reader => reader.clusterByName(name))
  if (!row || !link) return [...missing, `${name} has not joined`]
  const documents = await fleet.store.read(reader => reader.documents(row.id))
  const issued = new Map<string, DocumentNumber>()
  for (const { applicationId, number } of documents) if (applicationId) issued.set(applicationId, number)
  const held = link.held()
  for (const [id, { number, application }] of held) {
    const newest = issued.get(id)
    if (!newest && unknown.has(id)) continue
    if (!newest) missing.push(`${name} holds ${application.name}, which the hub does not know`)
    else if (compareNumbers(newest, number) !== 0) missing.push(`${name}: ${application.name} is not the newest Offer`)
  }
  for (const id of issued.keys()) {
    const { name: application = id } = rows.find(each => each.id === id) ?? {}
    if (!held.has(id)) missing.push(`${name} does not hold ${application}`)
  }
  return missing
}

/**
 * What an agent holds although the hub knows nothing of it: made after the backup that the hub was restored from, and
 * gone from Git since, or removed by a copy of the cluster, which was believed. Absence never deletes, so it stays as it
 * is, and is shown as unclaimed.
 */
async function unknownToTheHub(
  fleet: SimulatedFleet,
  name: string,
  own: readonly WantedApplication[],
): Promise<ReadonlySet<string>> {
  const known = new Set((await fleet.store.read(reader => reader.applications())).map(({ id }) => id))
  const held = [...(fleet.agent(name).link?.held() ?? [])].filter(
    ([id]) => fleet.laws.restores > 0 || fleet.laws.acknowledged.endedByCopies.has(id),
  )
  // A hub that nobody told of it may go on for good when it has issued as much again by the time agents come: what it
  // made anew under another id then stays two things. It deletes nothing, and operators are to restore with the command.
  const wanted = new Set(fleet.laws.unannounced > 0 ? [] : own.map(application => application.name))
  return new Set(held.flatMap(([id, { application }]) => (known.has(id) || wanted.has(application.name) ? [] : [id])))
}

function isHeldUnderAnotherId(fleet: SimulatedFleet, cluster: string, name: string, id: string): boolean {
  const held = [...(fleet.agent(cluster).link?.held() ?? [])]
  return held.some(([other, { application }]) => other !== id && application.name === name)
}

/** The view is a function of the store: one that is made anew shows the same. */
async function viewIsNot(fleet: SimulatedFleet): Promise<readonly string[]> {
  const { hub, store, clock } = fleet
  if (!hub) return ['the hub is down']
  await hub.settled()
  const fresh = await FleetView.load(store, { run: 'fresh', now: clock.now() })
  const missing: string[] = []
  for (const row of await store.read(reader => reader.applications())) {
    const [shown, anew] = [hub.view, fresh].map(view => view.application(row.name, clock.now()))
    const same = shown && anew && equalJson(told(shown), told(anew))
    if (!same) missing.push(`${row.name} is not shown as it is stored`)
  }
  return missing
}

/** What does not depend on the connection or on what was declared of the cluster. */
function told(view: NonNullable<ReturnType<FleetView['application']>>): Json {
  const { id, state, hold, revision, operation, images } = view
  return { id, state, hold, revision, operation, images } as unknown as Json
}

function sameObjects(a: readonly KubernetesObject[], b: readonly KubernetesObject[]): boolean {
  const byKey = (objects: readonly KubernetesObject[]) =>
    [...objects].sort((x, y) => (objectKeyText(placed(x)) < objectKeyText(placed(y)) ? -1 : 1)) as unknown as Json
  return equalJson(byKey(a), byKey(b))
}

function withoutMetadata({ metadata: _, apiVersion: __, kind: ___, ...rest }: KubernetesObject): Json {
  return rest as Json
}

/** Whether everything wanted is there; the API server adds defaults and statuses. */
function covers(live: Json | undefined, wanted: Json | undefined): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
    )
  }
  if (isJsonObject(wanted)) {
    const object = isJsonObject(live) ? live : undefined
    return object !== undefined && Object.entries(wanted).every(([key, value]) => covers(object[key], value))
  }
  return live === wanted
}

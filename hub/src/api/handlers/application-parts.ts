import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { HEALTH_STATUSES } from '@flotilla/core/model/status'
import type { ApplicationRow, ReportRow } from '@flotilla/core/ports/store'
import type { ObjectState } from '@flotilla/core/protocol/report'
import { z } from 'zod'
import { one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import { ManifestDiffs } from '../../preview/manifest-diffs.ts'
import { liveChildren, liveSchema } from '../live-children.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { acceptedSchema } from '../schemas.ts'
import { changeSchema } from '../schemas-of-operations.ts'
import { orphanRoutes } from './orphans.ts'

const named = z.strictObject({ name: nameParameter })
const SYNC = ['Synced', 'OutOfSync', 'Unknown'] as const

const partSchema = z
  .strictObject({
    group: z.string(),
    kind: z.string(),
    namespace: z.string().meta({ description: 'Empty where the Application’s own is meant, or none.' }),
    name: z.string(),
    wanted: z.boolean().meta({ description: 'Whether the Application renders to it; otherwise a sync may prune it.' }),
    sync: z.enum(SYNC),
    health: z.enum(HEALTH_STATUSES).nullable(),
    reason: z.string().nullable().meta({ description: 'Why it is not Synced, in a word.' }),
    message: z.string(),
  })
  .meta({ id: 'ApplicationPart', description: 'One object of an Application, and how it is in its cluster.' })

const treeSchema = z
  .strictObject({
    revision: z.string().nullable(),
    digest: z.string().nullable(),
    reported: z.boolean().meta({ description: 'Whether the agent speaks of this very Bundle; Unknown until it does.' }),
    items: z.array(partSchema),
    total: z.int(),
    cut: z.int().meta({ description: 'Objects that are not well and that the agent has left out.' }),
    live: liveSchema.nullable().meta({ description: 'Null where it was not asked for.' }),
  })
  .meta({ id: 'ApplicationTree' })

const sideSchema = z.strictObject({ digest: z.string().nullable() })
const diffSchema = z
  .strictObject({
    from: sideSchema.meta({ description: 'What was last synced with success; without a digest, nothing was.' }),
    to: sideSchema.meta({ description: 'What it is to be.' }),
    changes: z.array(changeSchema),
    cut: z.int().meta({ description: 'Differences that were left out because there are too many.' }),
    drift: z.array(partSchema).meta({ description: 'Objects that differ in the cluster from what was synced.' }),
  })
  .meta({ id: 'ApplicationDiff' })

/** Of all differences of one answer. */
const MOST_DIFF_CHARACTERS = 500_000

/** What an Application is made of, how that is in its cluster, and what a sync would change. */
export const applicationPartRoutes: readonly Route[] = [
  ...orphanRoutes,
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/tree',
    id: 'getApplicationTree',
    tag: 'applications',
    summary: 'Every object of the Application, and how it is in its cluster',
    access: one('applications', 'get'),
    parameters: named,
    query: z.strictObject({
      live: z
        .enum(['true', 'false'])
        .transform(text => text === 'true')
        .default(false)
        .meta({
          description: 'Asks its agent besides what those objects have made: ReplicaSets, Jobs, Pods.',
          override: { type: 'boolean', default: false },
        }),
    }),
    answers: { 200: { description: 'Its objects, in the order of its Bundle.', schema: treeSchema } },
    problems: ['NOT_RENDERED', 'TOO_MANY_WATCHERS'],
    async handle({ path, query }, caller, context) {
      const view = requireApplication(path.name, 'get', caller, context)
      const { row, report } = await storedOf(path.name, context)
      if (row.digest === undefined) throw notRendered(view.hold?.reason)
      const objects = await objectsOf(row, context, view.hold?.reason)
      const current = report?.entry.held === row.digest && !view.agent.silent
      const items = partsOf(objects, report, current)
      const isAsked = query.live && context.request.method !== 'HEAD'
      const live = isAsked ? await liveChildren(view, caller, context) : null
      return json(200, {
        ...{ revision: view.revision, digest: view.digest, reported: current },
        ...{ items, total: items.length, cut: report?.entry.objectsCut ?? 0, live },
      })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/diff',
    id: 'getApplicationDiff',
    tag: 'applications',
    summary: 'What a sync would change: against what was last synced, and what has drifted since',
    sensitive: true,
    access: one('applications', 'get'),
    parameters: named,
    answers: { 200: { description: 'Differences, Secrets masked.', schema: diffSchema } },
    problems: ['NOT_RENDERED'],
    async handle({ path }, caller, context) {
      const view = requireApplication(path.name, 'get', caller, context)
      const { services } = context
      const { row, report } = await storedOf(path.name, context)
      if (row.digest === undefined) throw notRendered(view.hold?.reason)
      await objectsOf(row, context, view.hold?.reason)
      const synced = report?.entry.lastSucceeded
      const before = synced === undefined ? undefined : { ...row, digest: synced }
      const diffs = new ManifestDiffs(services.bundles, MOST_DIFF_CHARACTERS)
      const changes = await diffs.between(before, row)
      const known = synced === undefined ? undefined : await services.store.read(rows => rows.bundle(synced))
      const from = synced === undefined ? null : services.view.shownDigest(synced, known?.holdsSecrets)
      const drift = (report?.entry.objects ?? []).filter(({ sync }) => sync === 'OutOfSync').map(stated)
      return json(200, { from: { digest: from }, to: { digest: view.digest }, changes, cut: diffs.cut, drift })
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/applications/{name}/refresh',
    id: 'refreshApplication',
    ifMatch: 'getApplication',
    tag: 'applications',
    summary: 'Look at the repositories of the Application now',
    access: one('applications', 'get'),
    parameters: named,
    answers: { 202: { description: 'It is being looked at.', schema: acceptedSchema } },
    async handle({ path }, caller, context) {
      requireApplication(path.name, 'get', caller, context)
      const { services } = context
      const row = services.view.applicationRow(path.name)
      for (const url of repositoriesOf(row)) {
        const known = services.view.knownRepository(url)
        if (known !== undefined) await services.actions.refreshRepository(known)
      }
      return json(202, { status: 'accepted' })
    },
  }),
]

async function storedOf(
  name: string,
  { services }: Context,
): Promise<{ readonly row: ApplicationRow; readonly report: ReportRow | undefined }> {
  const row = services.view.applicationRow(name)
  if (row === undefined) throw new Problem('NOT_FOUND')
  return { row, report: await services.store.read(rows => rows.report(row.id)) }
}

function notRendered(reason: string | undefined): Problem {
  return new Problem('NOT_RENDERED', reason === undefined ? {} : { detail: reason })
}

async function objectsOf(
  { digest }: ApplicationRow,
  { services }: Context,
  reason: string | undefined,
): Promise<readonly KubernetesObject[]> {
  const bytes = digest === undefined ? undefined : await services.bundles.get(digest)
  if (digest === undefined || bytes === undefined) throw notRendered(reason)
  return decodeBundle(bytes, digest).objects
}

/** Agents tell of what is not well alone: of the rest it is known, as long as they speak of the same Bundle. */
function partsOf(
  objects: readonly KubernetesObject[],
  report: ReportRow | undefined,
  current: boolean,
): readonly z.input<typeof partSchema>[] {
  const told = new Map((report?.entry.objects ?? []).map(state => [objectKeyText(state.key), state]))
  const namespace = (key: ObjectKey, state: ObjectState) => key.namespace === '' && sameButPlace(key, state.key)
  const allTold = current && report?.entry.objectsCut === 0
  const wanted = objects.map(object => {
    const key = keyOf(object)
    const found = told.get(objectKeyText(key)) ?? [...told.values()].find(state => namespace(key, state))
    if (found !== undefined) {
      told.delete(objectKeyText(found.key))
      return { ...stated(found), wanted: true }
    }
    const { group, kind, name } = key
    const sync = allTold ? ('Synced' as const) : ('Unknown' as const)
    const place = { group, kind, namespace: key.namespace, name }
    return { ...place, wanted: true, sync, health: allTold ? ('Healthy' as const) : null, reason: null, message: '' }
  })
  return [...wanted, ...[...told.values()].map(state => ({ ...stated(state), wanted: false }))]
}

function sameButPlace(a: ObjectKey, b: ObjectKey): boolean {
  return a.group === b.group && a.kind === b.kind && a.name === b.name
}

function stated({ key, sync, health, reason, message }: ObjectState): z.input<typeof partSchema> {
  const { group, kind, namespace, name } = key
  const place = { group, kind, namespace, name }
  return { ...place, wanted: true, sync, health: health ?? null, reason: reason ?? null, message: message ?? '' }
}

function repositoriesOf(row: ApplicationRow | undefined): readonly string[] {
  const spec = (row?.document['spec'] ?? {}) as { readonly source?: unknown; readonly sources?: unknown }
  const sources = [spec.source, ...(Array.isArray(spec.sources) ? (spec.sources as readonly unknown[]) : [])]
  return [
    ...new Set(
      sources.flatMap(source => {
        const url = (source as { readonly repoURL?: unknown } | undefined)?.repoURL
        return typeof url === 'string' ? [url] : []
      }),
    ),
  ]
}

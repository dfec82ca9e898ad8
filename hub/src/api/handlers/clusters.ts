import type { ClusterView } from '@flotilla/core/view/fleet-parts'
import { z } from 'zod'
import { agentObject, clusterObjects } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import type { ReleaseList } from '../../loop/release-cluster.ts'
import { admissionsOf } from '../admissions.ts'
import { withStates } from '../cluster-states.ts'
import { listOf } from '../list-of.ts'
import { anyOf, nameParameter, selectorParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { clusterSchema, clusterWithStatesSchema } from '../schemas.ts'
import type { Caller } from '../tokens.ts'
import { requireAll } from './deletions.ts'

const named = z.strictObject({ name: nameParameter })
const clusters = listOf<ClusterView>({
  name: 'clusters',
  item: clusterWithStatesSchema,
  sorts: {
    name: ({ name }) => name,
    environment: ({ environment }) => environment ?? '',
    joinedAt: ({ joinedAt }) => joinedAt ?? '',
    lastSeen: ({ agent }) => agent.lastSeen ?? '',
    applications: ({ applications }) => applications.total,
  },
  sort: 'name',
  idOf: ({ name }) => name,
  words: [
    'name, environment, servers or labels',
    ({ name, environment, servers, labels }) => [
      ...[name, environment, ...servers],
      ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ],
  ],
  labels: ({ labels }) => labels,
})
const releasedSchema = z
  .strictObject({
    cluster: z.string(),
    status: z.enum(['planned', 'released']),
    released: z
      .array(z.strictObject({ id: z.string(), name: z.string(), project: z.string() }))
      .meta({ description: 'Let go: their objects stay where they are.' }),
    kept: z
      .array(z.strictObject({ name: z.string(), project: z.string(), reason: z.string() }))
      .meta({ description: 'Not let go, and why.' }),
    digest: z.string().meta({ description: 'Of the list: sent with the request, exactly this is let go.' }),
  })
  .meta({ id: 'ClusterRelease' })
const reason = z.string().max(1000).optional().meta({ description: 'For the audit log.' })

/** The clusters of this fleet as they are now, and the end of one's agent. */
export const clusterRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/clusters',
    id: 'listClusters',
    tag: 'clusters',
    summary: 'Clusters, declared or joined',
    access: each('clusters', 'get'),
    query: z.strictObject({
      environment: anyOf('Only in these environments'),
      labels: selectorParameter,
      ...clusters.query,
    }),
    answers: { 200: { description: 'A page.', schema: clusters.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { environment } = query
      const seen = seenClusters(caller, context).filter(
        each => environment === undefined || environment.includes(each.environment ?? ''),
      )
      const { rows, ...page } = clusters.select(seen, query, environment?.toSorted() ?? null)
      return json(200, clusters.body(page, await withStates(rows, context.services), query))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/clusters/{name}',
    id: 'getCluster',
    tag: 'clusters',
    summary: 'One cluster',
    access: one('clusters', 'get'),
    parameters: named,
    answers: { 200: { description: 'The cluster.', schema: clusterWithStatesSchema } },
    async handle({ path }, caller, context) {
      const { services, now, visible } = context
      services.view.age(now)
      const found = services.view.cluster(path.name, now, visible)
      rightsOf(caller, context).requireOneOf('get', clusterObjects(found ?? { name: path.name }))
      if (found === undefined) throw new Problem('NOT_FOUND')
      const [shown] = await withStates([found], services)
      return json(200, shown)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/clusters/{name}/revoke',
    id: 'revokeCluster',
    ifMatch: 'getCluster',
    tag: 'clusters',
    summary: "A cluster's agent is refused from now on; its workload stays as it is",
    access: one('agents', 'revoke'),
    parameters: named,
    body: z.strictObject({ reason }).meta({ id: 'RevokeClusterRequest' }),
    answers: { 200: { description: 'The cluster.', schema: clusterSchema } },
    async handle({ path, body }, caller, context) {
      const { store, view, clock } = context.services
      rightsOf(caller, context).require('revoke', agentObject(path.name))
      const outcome = await admissionsOf(context).revoke(path.name, caller.name, body.reason)
      if (outcome.kind === 'unknown') throw new Problem('NOT_FOUND')
      await view.refresh(store, { clusters: [path.name] }, () => clock.now())
      const shown = view.cluster(path.name, context.now, context.visible)
      if (shown === undefined) throw new Problem('NOT_FOUND')
      return json(200, shown)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/clusters/{name}/release',
    id: 'releaseCluster',
    ifMatch: 'getCluster',
    tag: 'clusters',
    summary: 'Let go of what a removed cluster has, or of what Applications left on one; no object is deleted',
    access: one('clusters', 'delete', 'of every Application in it: confirmations, approve'),
    parameters: named,
    body: z
      .strictObject({
        dryRun: z.boolean().default(false).meta({ description: 'Answers the list, and does nothing.' }),
        digest: z.string().max(200).optional().meta({ description: 'Of the list that was shown: another is refused.' }),
        reason: z.string().max(1000).default('').meta({ description: 'For the audit log.' }),
      })
      .meta({ id: 'ReleaseClusterRequest' }),
    answers: {
      200: { description: 'What would be let go.', schema: releasedSchema },
      202: {
        description: 'They are let go; those whose agent is there leave when it has heard.',
        schema: releasedSchema,
      },
    },
    problems: ['CONFIRMATION_CHANGED'],
    async handle({ path, body }, caller, context) {
      const { services, now, visible } = context
      const cluster = services.view.cluster(path.name, now, visible)
      rightsOf(caller, context).requireOneOf('delete', clusterObjects(cluster ?? { name: path.name }))
      const { actions } = services
      const wish = { by: caller.name, reason: body.reason }
      const { list } = await actions.releaseCluster(path.name, { ...wish, dryRun: true })
      const concerned = [...list.released, ...list.kept.map(({ row }) => row)]
      if (cluster === undefined && concerned.length === 0) throw new Problem('NOT_FOUND')
      requireAll(
        concerned.map(({ name, project, clusterName }) => ({ name, project, cluster: clusterName })),
        caller,
        context,
      )
      if (body.digest !== undefined && body.digest !== list.digest) throw new Problem('CONFIRMATION_CHANGED')
      if (body.dryRun) return json(200, releaseJson(path.name, 'planned', list))
      // What was just looked at, and asked for: nothing that came meanwhile.
      const answer = await actions.releaseCluster(path.name, { ...wish, digest: list.digest, dryRun: false })
      if (answer.kind === 'changed') throw new Problem('CONFIRMATION_CHANGED')
      return json(202, releaseJson(path.name, 'released', answer.list))
    },
  }),
]

function releaseJson(
  cluster: string,
  status: 'planned' | 'released',
  { released, kept, digest }: ReleaseList,
): z.input<typeof releasedSchema> {
  return {
    ...{ cluster, status, digest },
    released: released.map(({ id, name, project }) => ({ id, name, project })),
    kept: kept.map(({ row, reason: why }) => ({ name: row.name, project: row.project, reason: why })),
  }
}

/** The clusters that the caller may see, with counts of the Applications that he may. */
export function seenClusters(caller: Caller, context: Context): readonly ClusterView[] {
  const { services, now, visible } = context
  const rights = rightsOf(caller, context)
  const seen = services.view.clusters(now, visible).filter(cluster => rights.mayOneOf('get', clusterObjects(cluster)))
  // A cluster is no Team's; those that it has Applications on are meant.
  return rights.team === undefined ? seen : seen.filter(({ applications }) => applications.total > 0)
}

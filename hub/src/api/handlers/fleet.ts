import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { withStates } from '../cluster-states.ts'
import { pageOfList } from '../page-of-list.ts'
import { cursorParameter, limitParameter, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type ApiServices, json, type Route, route } from '../route.ts'
import {
  acceptedSchema,
  applicationSetSchema,
  clusterWithStatesSchema,
  fleetSchema,
  joinTokenSchema,
  pageOfSchema,
  repositorySchema,
  sourceSchema,
} from '../schemas.ts'

/** Whether the hub may trust its own store; without anyone to ask, it does. */
function recoveryOf({ recovery }: ApiServices): { readonly state: string; readonly since: string | null } {
  const state = recovery?.state
  if (state === undefined || state.kind === 'settled') return { state: 'settled', since: null }
  return { state: state.kind, since: isoTime(state.since) }
}

const named = z.strictObject({ name: nameParameter })
const paged = z.strictObject({ limit: limitParameter, cursor: cursorParameter })

export const fleetRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/fleet',
    id: 'getFleet',
    tag: 'fleet',
    summary: 'The fleet at a glance',
    access: 'readonly',
    answers: { 200: { description: 'Counts, and who is silent.', schema: fleetSchema } },
    handle(_input, _caller, { services, now }) {
      const clusters = services.view.clusters(now)
      const { all, by } = services.view.counted()
      const joined = clusters.filter(cluster => cluster.joined)
      return json(200, {
        applications: all,
        projects: by.by('project'),
        clusters: by.by('cluster'),
        environments: by.by('environment'),
        agents: {
          total: joined.length,
          connected: joined.filter(({ agent }) => agent.connected).length,
          silent: joined
            .filter(({ agent }) => agent.silent)
            .map(({ name, agent }) => ({ cluster: name, lastSeen: agent.lastSeen })),
        },
        frozen: [],
        recovery: recoveryOf(services),
      })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applicationsets',
    id: 'listApplicationSets',
    tag: 'applicationsets',
    summary: 'ApplicationSets',
    access: 'readonly',
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(applicationSetSchema) } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, _caller, { services }) {
      const sets = services.view.applicationSets()
      return json(
        200,
        pageOfList('applicationsets', sets, ({ name, source }) => `${source}/${name}`, query),
      )
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applicationsets/{name}',
    id: 'getApplicationSet',
    tag: 'applicationsets',
    summary: 'One ApplicationSet',
    access: 'readonly',
    parameters: named,
    query: z.strictObject({
      source: nameParameter.optional().meta({ description: 'Its config source, where two have a set of that name.' }),
    }),
    answers: { 200: { description: 'The ApplicationSet.', schema: applicationSetSchema } },
    handle({ path, query }, _caller, { services }) {
      const { name } = path
      const { source } = query
      const found = services.view
        .applicationSets()
        .find(set => set.name === name && (source === undefined || set.source === source))
      if (found === undefined) throw new Problem('NOT_FOUND')
      return json(200, found)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/clusters',
    id: 'listClusters',
    tag: 'clusters',
    summary: 'Clusters, declared or joined',
    access: 'readonly',
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(clusterWithStatesSchema) } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, { services, now }) {
      const page = pageOfList('clusters', services.view.clusters(now), ({ name }) => name, query)
      return json(200, { ...page, items: await withStates(page.items, services) })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/clusters/{name}',
    id: 'getCluster',
    tag: 'clusters',
    summary: 'One cluster',
    access: 'readonly',
    parameters: named,
    answers: { 200: { description: 'The cluster.', schema: clusterWithStatesSchema } },
    async handle({ path }, _caller, { services, now }) {
      services.view.age(now)
      const found = services.view.cluster(path.name, now)
      if (found === undefined) throw new Problem('NOT_FOUND')
      const [shown] = await withStates([found], services)
      return json(200, shown)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/clusters/{name}/join-tokens',
    id: 'createJoinToken',
    tag: 'clusters',
    summary: 'A token with which this cluster joins, once',
    access: 'admin',
    parameters: named,
    answers: { 201: { description: 'The token, shown this once.', schema: joinTokenSchema } },
    async handle({ path }, caller, { services, now }) {
      const { name } = path
      if (services.view.cluster(name, now) === undefined) throw new Problem('NOT_FOUND')
      const { id, token, expiresAt } = await services.actions.createJoinToken(name, caller.name)
      const made = { id, cluster: name, token, expiresAt: isoTime(expiresAt) }
      return json(201, made, { 'Cache-Control': 'no-store' })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/sources',
    id: 'listSources',
    tag: 'sources',
    summary: 'Config sources: which commit is in force, which was seen, what is wrong',
    access: 'readonly',
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(sourceSchema) } },
    problems: ['CURSOR_INVALID'],
    handle: ({ query }, _caller, { services }) =>
      json(
        200,
        pageOfList('sources', services.view.configSources(), ({ name }) => name, query),
      ),
  }),
  route({
    method: 'get',
    path: '/api/v1/sources/{name}',
    id: 'getSource',
    tag: 'sources',
    summary: 'One config source, with its mistakes and the documents that are not in force as written',
    access: 'readonly',
    parameters: named,
    answers: { 200: { description: 'The config source.', schema: sourceSchema } },
    async handle({ path }, _caller, { services }) {
      const found = services.view.configSources().find(({ name }) => name === path.name)
      if (found === undefined) throw new Problem('NOT_FOUND')
      return json(200, found)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/sources/{name}/refresh',
    id: 'refreshSource',
    tag: 'sources',
    summary: 'Fetch this config source now',
    access: 'admin',
    parameters: named,
    answers: { 202: { description: 'It is being fetched; watch the source.', schema: acceptedSchema } },
    async handle({ path }, _caller, { services }) {
      const found = services.view.configSources().find(({ name }) => name === path.name)
      if (found === undefined) throw new Problem('NOT_FOUND')
      await services.actions.refreshSource(path.name)
      return json(202, { status: 'accepted' })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/repositories',
    id: 'listRepositories',
    tag: 'sources',
    summary: 'Repositories in use, and whether they can be reached',
    access: 'readonly',
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(repositorySchema) } },
    problems: ['CURSOR_INVALID'],
    handle: ({ query }, _caller, { services }) =>
      json(
        200,
        pageOfList(
          'repositories',
          [...services.view.repositories()].sort((a, b) => (a.url < b.url ? -1 : 1)),
          ({ url }) => url,
          query,
        ),
      ),
  }),
]

import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { SetView, SourceView } from '@flotilla/core/view/fleet-parts'
import { z } from 'zod'
import { namedObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import { seenSets } from '../../access/seen-sets.ts'
import { shownSource, sourceObjects } from '../../access/seen-sources.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type ApiServices, json, type Route, route } from '../route.ts'
import { acceptedSchema, applicationSetSchema, fleetSchema, repositorySchema, sourceSchema } from '../schemas.ts'
import { seenClusters } from './clusters.ts'
import { activeFreezes } from './freezes.ts'

/** Whether the hub may trust its own store; without anyone to ask, it does. */
function recoveryOf({ recovery }: ApiServices): { readonly state: string; readonly since: string | null } {
  const state = recovery?.state
  if (state === undefined || state.kind === 'settled') return { state: 'settled', since: null }
  return { state: state.kind, since: isoTime(state.since) }
}

const named = z.strictObject({ name: nameParameter })

const sets = listOf<SetView>({
  name: 'applicationsets',
  item: applicationSetSchema,
  sorts: {
    name: ({ name }) => name,
    source: ({ source }) => source,
    expandedAt: ({ expandedAt }) => expandedAt,
    applications: ({ applications }) => applications.total,
  },
  sort: 'name',
  idOf: ({ name, source }) => `${name} ${source}`,
  words: ['name, source or errors', ({ name, source, errors }) => [name, source, ...errors.map(textOf)]],
})
const sources = listOf<SourceView>({
  name: 'sources',
  item: sourceSchema,
  sorts: {
    name: ({ name }) => name,
    repository: ({ repository }) => repository,
    loadedAt: ({ loadedAt }) => loadedAt ?? '',
    seenAt: ({ seenAt }) => seenAt ?? '',
  },
  sort: 'name',
  idOf: ({ name }) => name,
  words: [
    'name, repository, revision, path, commit or error',
    ({ name, repository, revision, path, commit, error }) => [
      ...[name, repository, revision, path, commit, error?.message],
    ],
  ],
})
const repositories = listOf<z.input<typeof repositorySchema>>({
  name: 'repositories',
  item: repositorySchema,
  sorts: {
    url: ({ url }) => url,
    applications: ({ applications }) => applications,
    fetchedAt: ({ fetchedAt }) => fetchedAt ?? '',
  },
  sort: 'url',
  idOf: ({ url }) => url,
  words: ['URL, sources or error', ({ url, sources: of, error }) => [url, ...of, error?.code, error?.message]],
})

/** An error of a set, as words are looked for in it. */
function textOf({ code, message }: { readonly [key: string]: unknown }): string {
  return `${String(code ?? '')} ${String(message ?? '')}`
}

export const fleetRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/fleet',
    id: 'getFleet',
    tag: 'fleet',
    summary: 'The fleet at a glance',
    access: each('applications', 'get'),
    answers: { 200: { description: 'Counts, and who is silent.', schema: fleetSchema } },
    async handle(_input, caller, context) {
      const { services, now, visible } = context
      const frozen = await activeFreezes(caller, context)
      const clusters = seenClusters(caller, context)
      const { all, by } = services.view.counted(visible)
      services.view.age(now)
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
        frozen: frozen.map(({ name, level, reason, intervals, owner }) => ({
          ...{ name, level, reason, owner, until: intervals[0]?.until ?? null },
        })),
        recovery: rightsOf(caller, context).sees(namedObject('hub', '*')) ? recoveryOf(services) : null,
      })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applicationsets',
    id: 'listApplicationSets',
    tag: 'applicationsets',
    summary: 'ApplicationSets',
    access: each('applicationsets', 'get'),
    query: z.strictObject(sets.query),
    answers: { 200: { description: 'A page.', schema: sets.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      return json(200, sets.page(seenSets(context.services.view, rightsOf(caller, context)), query))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applicationsets/{name}',
    id: 'getApplicationSet',
    tag: 'applicationsets',
    summary: 'One ApplicationSet',
    access: one('applicationsets', 'get'),
    parameters: named,
    query: z.strictObject({
      source: nameParameter.optional().meta({ description: 'Its config source, where two have a set of that name.' }),
    }),
    answers: { 200: { description: 'The ApplicationSet.', schema: applicationSetSchema } },
    handle({ path, query }, caller, context) {
      const { name } = path
      const { source } = query
      const seen = seenSets(context.services.view, rightsOf(caller, context))
      const found = seen.find(set => set.name === name && (source === undefined || set.source === source))
      if (found === undefined) throw new Problem('NOT_FOUND')
      return json(200, found)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/sources',
    id: 'listSources',
    tag: 'sources',
    summary: 'Config sources: which commit is in force, which was seen, what is wrong',
    access: each('sources', 'get'),
    query: z.strictObject(sources.query),
    answers: { 200: { description: 'A page.', schema: sources.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const { view, trustOf } = context.services
      const rights = rightsOf(caller, context)
      const seen = view.configSources().flatMap(each => shownSource(each, trustOf?.(each.name), rights) ?? [])
      return json(200, sources.page(seen, query))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/sources/{name}',
    id: 'getSource',
    tag: 'sources',
    summary: 'One config source, with its mistakes and the documents that are not in force as written',
    access: one('sources', 'get'),
    parameters: named,
    answers: { 200: { description: 'The config source.', schema: sourceSchema } },
    async handle({ path }, caller, context) {
      const { view, trustOf } = context.services
      const found = view.configSources().find(({ name }) => name === path.name)
      const shown = found && shownSource(found, trustOf?.(path.name), rightsOf(caller, context))
      if (shown === undefined) throw new Problem('NOT_FOUND')
      return json(200, shown)
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/sources/{name}/refresh',
    id: 'refreshSource',
    ifMatch: 'getSource',
    tag: 'sources',
    summary: 'Fetch this config source now',
    access: one('sources', 'update'),
    parameters: named,
    answers: { 202: { description: 'It is being fetched; watch the source.', schema: acceptedSchema } },
    async handle({ path }, caller, context) {
      const { services } = context
      rightsOf(caller, context).requireOneOf('update', sourceObjects(path.name, services.trustOf?.(path.name)))
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
    access: each('repositories', 'get'),
    query: z.strictObject(repositories.query),
    answers: { 200: { description: 'A page.', schema: repositories.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const { services, visible } = context
      const rights = rightsOf(caller, context)
      const seesSource = (name: string) =>
        sourceObjects(name, services.trustOf?.(name)).some(object => rights.sees(object))
      const items = services.view.repositories(visible).flatMap(({ projects, ...repository }) => {
        const { url } = repository
        const objects = [undefined, ...projects].map(project => namedObject('repositories', url, project))
        if (!objects.some(object => rights.sees(object))) return []
        return [{ ...repository, sources: repository.sources.filter(seesSource) }]
      })
      return json(200, repositories.page(items, query))
    },
  }),
]

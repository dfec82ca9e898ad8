import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { namedObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import { seenSets } from '../../access/seen-sets.ts'
import { shownSource, sourceObjects } from '../../access/seen-sources.ts'
import { pageOfList } from '../page-of-list.ts'
import { cursorParameter, limitParameter, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type ApiServices, json, type Route, route } from '../route.ts'
import {
  acceptedSchema,
  applicationSetSchema,
  fleetSchema,
  pageOfSchema,
  repositorySchema,
  sourceSchema,
} from '../schemas.ts'
import { seenClusters } from './clusters.ts'
import { activeFreezes } from './freezes.ts'

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
    access: each('applicationsets', 'get'),
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(applicationSetSchema) } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const sets = seenSets(context.services.view, rightsOf(caller, context))
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
    access: one('applicationsets', 'get'),
    parameters: named,
    query: z.strictObject({
      source: nameParameter.optional().meta({ description: 'Its config source, where two have a set of that name.' }),
    }),
    answers: { 200: { description: 'The ApplicationSet.', schema: applicationSetSchema } },
    handle({ path, query }, caller, context) {
      const { name } = path
      const { source } = query
      const sets = seenSets(context.services.view, rightsOf(caller, context))
      const found = sets.find(set => set.name === name && (source === undefined || set.source === source))
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
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(sourceSchema) } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const { view, trustOf } = context.services
      const rights = rightsOf(caller, context)
      const sources = view.configSources().flatMap(each => shownSource(each, trustOf?.(each.name), rights) ?? [])
      return json(
        200,
        pageOfList('sources', sources, ({ name }) => name, query),
      )
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
    query: paged,
    answers: { 200: { description: 'A page.', schema: pageOfSchema(repositorySchema) } },
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
      return json(
        200,
        pageOfList(
          'repositories',
          items.sort((a, b) => (a.url < b.url ? -1 : 1)),
          ({ url }) => url,
          query,
        ),
      )
    },
  }),
]

import type { Json } from '@flotilla/core/json/json'
import { HEALTH_STATUSES } from '@flotilla/core/model/status'
import { z } from 'zod'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import { streamTag } from '../../access/seen-changes.ts'
import { type ApplicationQuery, FILTERS, type Filter, type Position, SORTS } from '../application-query.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { fieldsParameter, sortParameter, wordsOf, wordsParameter } from '../list-parameters.ts'
import { anyOf, anyOfEnum, cursorParameter, limitParameter, nameParameter, selectorParameter } from '../parameters.ts'
import { pickFields } from '../pick-fields.ts'
import { readerOf } from '../reader.ts'
import { json, type Route, route } from '../route.ts'
import { APPLICATION_FIELDS, applicationSchema, listSchema, manifestsSchema } from '../schemas.ts'
import { history, historyOf } from './application-history.ts'
import { manifestsOf } from './history.ts'

const listQuery = z.strictObject({
  project: anyOf('Only of these Projects'),
  cluster: anyOf('Only for these clusters'),
  environment: anyOf('Only in these environments'),
  set: anyOf('Only of these ApplicationSets'),
  namespace: anyOf('Only in these namespaces'),
  sync: anyOfEnum('Only with this sync status', ['Synced', 'OutOfSync', 'Unknown']),
  health: anyOfEnum('Only with this health', HEALTH_STATUSES),
  state: anyOfEnum('Only in this state', ['active', 'withdrawn', 'orphaned']),
  q: wordsParameter('name, project, cluster, namespace, set, source, images or labels'),
  labels: selectorParameter,
  images: anyOf('Only what runs one of these images: `registry.example.com/web`, `…/web:1.4`, `*/web:*`'),
  sort: sortParameter(SORTS, 'name'),
  fields: fieldsParameter(APPLICATION_FIELDS),
  limit: limitParameter,
  cursor: cursorParameter,
})

const named = z.strictObject({ name: nameParameter })
const position = z.tuple([z.union([z.string(), z.number()]), z.string(), z.string()])

export const applicationRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/applications',
    id: 'listApplications',
    tag: 'applications',
    summary: 'Applications, a page at a time',
    access: each('applications', 'get'),
    query: listQuery,
    answers: {
      200: {
        description: 'A page; with `fields`, its items have only those.',
        schema: listSchema(applicationSchema),
      },
    },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const { services, now, visible } = context
      const { view } = services
      const { query: wanted, list, listText } = compiled(query)
      const tag = streamTag(rightsOf(caller, context), caller)
      const headers = { 'Flotilla-Changes': `${view.changes.idOf(view.changes.newest)}.${tag}` }
      const cursorOf = (next: Position) => encodeCursor(list, next)
      const { fields } = query
      if (fields === undefined) {
        const page = view.applicationsText(wanted, now, visible, listText, cursorOf, readerOf(caller))
        return { kind: 'written', status: 200, body: page.bytes, tag: page.tag, headers }
      }
      const { items, total, next } = view.applications(wanted, now, visible)
      const picked = items.map(item => pickFields(item, fields))
      return json(200, { items: picked, total, next: next === undefined ? null : cursorOf(next) }, headers)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applications/{name}',
    id: 'getApplication',
    tag: 'applications',
    summary: 'One Application',
    access: one('applications', 'get'),
    parameters: named,
    answers: { 200: { description: 'The Application.', schema: applicationSchema } },
    handle({ path }, caller, context) {
      return json(200, requireApplication(path.name, 'get', caller, context))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/manifests',
    id: 'getApplicationManifests',
    tag: 'applications',
    summary: 'What the Application renders to, or what an operation of its history applied, Secrets masked',
    sensitive: true,
    access: one('applications', 'get'),
    parameters: named,
    query: z.strictObject({
      digest: z.string().min(1).max(200).optional().meta({ description: 'As its history shows it.' }),
      revision: z
        .string()
        .min(4)
        .max(250)
        .optional()
        .meta({ description: 'A commit of its history, or how it begins.' }),
    }),
    answers: { 200: { description: 'The objects of its Bundle.', schema: manifestsSchema } },
    problems: ['NOT_RENDERED', 'MANIFESTS_GONE'],
    async handle({ path, query }, caller, context) {
      requireApplication(path.name, 'get', caller, context)
      return await manifestsOf(path.name, query, context)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/history',
    id: 'getApplicationHistory',
    tag: 'applications',
    summary: 'Operations of the Application, newest first: failures, heals and prunes too',
    access: one('applications', 'get'),
    parameters: named,
    query: z.strictObject(history.query),
    answers: { 200: { description: 'A page.', schema: history.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ path, query }, caller, context) {
      return await historyOf(requireApplication(path.name, 'get', caller, context), query, context)
    },
  }),
]

interface CompiledQuery {
  readonly query: ApplicationQuery
  readonly list: Json
  readonly listText: string
}

/** By what a query was read into, which is the same as long as its text is. A cursor is looked at each time. */
const COMPILED = new WeakMap<object, CompiledQuery>()

/** @throws Problem `CURSOR_INVALID` */
function compiled(query: z.output<typeof listQuery>): CompiledQuery {
  const known = COMPILED.get(query)
  if (known !== undefined) return known
  const made = compileQuery(query)
  const whole = { ...made, listText: JSON.stringify(made.list) }
  if (query.cursor === undefined) COMPILED.set(query, whole)
  return whole
}

/** @throws Problem `CURSOR_INVALID` */
function compileQuery(query: z.output<typeof listQuery>): { readonly query: ApplicationQuery; readonly list: Json } {
  const filters: { [Name in Filter]?: ReadonlySet<string> } = {}
  for (const name of FILTERS) {
    const wanted = query[name]
    if (wanted !== undefined) filters[name] = new Set<string>(wanted)
  }
  const words = wordsOf(query.q)
  const { field, descending } = query.sort ?? { field: 'name' as const, descending: false }
  const list: Json = [
    'applications',
    ...FILTERS.map(name => (query[name] === undefined ? null : [...query[name]].sort())),
    words,
    query.labels?.text ?? null,
    query.images ?? null,
    field,
    descending,
  ]
  return {
    list,
    query: {
      filters,
      words,
      labels: query.labels?.selector ?? [],
      ...(query.images !== undefined && { images: query.images }),
      sort: field,
      descending,
      limit: query.limit,
      ...(query.cursor !== undefined && { after: decodeCursor(list, query.cursor, position) as Position }),
    },
  }
}

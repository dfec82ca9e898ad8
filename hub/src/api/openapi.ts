import { isJsonObject, type Json, type JsonObject, jsonObject } from '@flotilla/core/json/json'
import { z } from 'zod'
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi'
import { accessText, isPrivileged } from '../access/route-access.ts'
import { exampleOf } from './example-of.ts'
import { PROBLEMS, type ProblemCode } from './problem.ts'
import { REQUEST_EXAMPLES } from './request-examples.ts'
import type { Route } from './route.ts'
import { problemSchema } from './schemas.ts'

const MADE = new WeakMap<readonly Route[], { readonly version: string; readonly document: object }>()

/** The table as OpenAPI 3.1, from the schemas that check requests; made once for each table. */
export function openApiDocument(table: readonly Route[], version: string): object {
  const made = MADE.get(table)
  if (made?.version === version) return made.document
  const document = makeDocument(table, version)
  MADE.set(table, { version, document })
  return document
}

function makeDocument(table: readonly Route[], version: string): object {
  const paths: ZodOpenApiPathsObject = {}
  for (const route of table) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: { title: 'Flotilla', version, description: 'The API of a Flotilla hub for people and their programs.' },
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API token `flt_…`, or an id token.' },
        session: {
          ...{ type: 'apiKey', in: 'cookie', name: '__Host-flotilla-session' },
          description: 'The session of a browser; writes show `X-CSRF-Token` besides.',
        },
      },
    },
  }
  const made = createDocument(document) as unknown as JsonObject
  const components = openToMore(made['components']) as JsonObject
  const opened = openResponses(made['paths'] as JsonObject)
  return { ...made, components, paths: withExamples(table, opened, components['schemas'] as JsonObject) }
}

/** Each answer of JSON with an example, where one can be made that its schema takes. */
function withExamples(table: readonly Route[], paths: JsonObject, schemas: JsonObject): JsonObject {
  const operations = table.map(route => {
    const operation = (paths[route.path] as JsonObject)[route.method] as JsonObject
    const responses = Object.entries(operation['responses'] as JsonObject).map(([status, response]) => {
      const content = (response as JsonObject)['content'] as JsonObject | undefined
      const json = content?.['application/json'] as JsonObject | undefined
      const checks = route.answers[status]?.schema
      const example = json && checks && exampleOf((json['schema'] ?? {}) as JsonObject, schemas)
      if (example === undefined || !checks?.safeParse(example).success) return [status, response] as const
      return [status, { ...(response as JsonObject), content: { 'application/json': { ...json, example } } }] as const
    })
    return [route, { ...operation, responses: jsonObject(responses as [string, Json][]) }] as const
  })
  const made: { [path: string]: { [method: string]: Json } } = {}
  for (const [{ path, method }, operation] of operations) made[path] = { ...made[path], [method]: operation }
  return made
}

/** Fields may be added to answers: clients are not told that there are none but these. What is asked stays strict. */
function openResponses(paths: JsonObject): JsonObject {
  const eachIn = (value: Json | undefined, change: (member: JsonObject) => JsonObject): JsonObject =>
    jsonObject(Object.entries(value as JsonObject).map(([key, member]) => [key, change(member as JsonObject)]))
  return eachIn(paths, methods =>
    eachIn(methods, operation => ({ ...operation, responses: openToMore(operation['responses']) })),
  )
}

function openToMore(schema: Json | undefined): Json | undefined {
  if (Array.isArray(schema)) return schema.map(item => openToMore(item as Json) ?? null)
  if (!isJsonObject(schema)) return schema
  const kept = Object.entries(schema).filter(([key, member]) => key !== 'additionalProperties' || member !== false)
  return jsonObject(kept.map(([key, member]) => [key, openToMore(member)]))
}

/** Every problem that a route can answer with. */
export function problemsOf(route: Route): readonly ProblemCode[] {
  const codes: ProblemCode[] = [...(route.problems ?? [])]
  const checked = route.parameters ?? route.query ?? route.body
  if (checked !== undefined || route.method !== 'get') codes.push('REQUEST_INVALID')
  if (route.method !== 'get') codes.push('BODY_NOT_JSON', 'BODY_TOO_LARGE', 'BODY_TYPE_UNSUPPORTED')
  if (route.access !== 'public') codes.push('UNAUTHENTICATED')
  if (isPrivileged(route.access)) codes.push('FORBIDDEN')
  if (route.parameters !== undefined) codes.push('NOT_FOUND')
  if (route.access !== 'public') codes.push('UNAVAILABLE')
  codes.push('NOT_ACCEPTABLE')
  if (route.access !== 'public') codes.push('TOO_MANY_REQUESTS')
  if (route.ifMatch !== undefined) codes.push('PRECONDITION_FAILED')
  if (takesKey(route)) {
    codes.push('CSRF_TOKEN_MISSING', 'IDEMPOTENCY_KEY_INVALID', 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_UNFINISHED')
    if (route.secretAnswer === true) codes.push('IDEMPOTENCY_SECRET')
  }
  return codes
}

/** Whether a write with an Idempotency-Key happens once. */
function takesKey({ method, readsOnly, access }: Route): boolean {
  return method !== 'get' && readsOnly !== true && access !== 'public' && access !== 'webhook'
}

function headersOf(route: Route): z.ZodObject | undefined {
  const headers = {
    ...(route.method === 'get' && {
      'If-None-Match': z
        .string()
        .optional()
        .meta({ description: 'A tag that is known: 304 when nothing has changed.' }),
    }),
    ...((route.ifMatch !== undefined || route.ownIfMatch === true) && {
      'If-Match': z
        .string()
        .optional()
        .meta({ description: ifMatchText(route) }),
    }),
    ...(takesKey(route) && {
      'Idempotency-Key': z
        .string()
        .max(128)
        .optional()
        .meta({ description: 'Makes it happen once within a day, however often it is sent.' }),
    }),
  }
  return Object.keys(headers).length === 0 ? undefined : z.object(headers)
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const responses: ZodOpenApiOperationObject['responses'] = {}
  for (const [status, answer] of Object.entries(route.answers)) {
    const contentType = answer.contentType ?? 'application/json'
    responses[status as '200'] = {
      description: answer.description,
      content: { [contentType]: answer.schema === undefined ? {} : { schema: answer.schema } },
    }
  }
  if (route.method === 'get') responses['304'] = { description: 'It is as who asks knows it by `If-None-Match`.' }
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of problemsOf(route)) {
    const status = PROBLEMS[code][0]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  for (const [status, codes] of byStatus) {
    responses[String(status) as '400'] ??= {
      description: codes.map(code => `${code}: ${PROBLEMS[code][1]}`).join(' '),
      content: { 'application/problem+json': { schema: problemSchema } },
    }
  }
  const headers = headersOf(route)
  const example = REQUEST_EXAMPLES[route.id]
  return {
    operationId: route.id,
    summary: route.summary,
    description: `Who may: ${accessText(route.access)}.`,
    tags: [route.tag],
    ...(route.access !== 'public' && route.access !== 'webhook' && { security: [{ bearer: [] }, { session: [] }] }),
    ...((route.parameters ?? route.query ?? headers) !== undefined && {
      requestParams: {
        ...(headers !== undefined && { header: headers }),
        ...(route.parameters !== undefined && { path: route.parameters }),
        ...(route.query !== undefined && { query: route.query }),
      },
    }),
    ...(route.body !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: route.body, ...(example !== undefined && { example }) } },
      },
    }),
    responses,
    ...(typeof route.access === 'object' && { 'x-flotilla-access': { ...route.access } }),
  }
}

function ifMatchText({ ifMatch, ifRevision, ownIfMatch }: Route): string {
  if (ownIfMatch === true) return 'The digest of the list that was shown: 409 when it is another.'
  const what =
    ifRevision === true ? `The tag of \`${ifMatch}\`, or the \`revision\` that it shows` : `The tag of \`${ifMatch}\``
  return `${what}: 412 when it is another.`
}

import { isJsonObject, type Json, type JsonObject, jsonObject } from '@flotilla/core/json/json'
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from 'zod-openapi'
import { accessText, isPrivileged } from '../access/route-access.ts'
import { PROBLEMS, type ProblemCode } from './problem.ts'
import type { Route } from './route.ts'
import { problemSchema } from './schemas.ts'

/** The table as OpenAPI 3.1, from the schemas that check requests. */
export function openApiDocument(table: readonly Route[], version: string): object {
  const paths: ZodOpenApiPathsObject = {}
  for (const route of table) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  const document: ZodOpenApiObject = {
    openapi: '3.1.0',
    info: { title: 'Flotilla', version, description: 'The API of a Flotilla hub for people and their programs.' },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API token: `flt_…`.' } },
    },
  }
  const made = createDocument(document) as unknown as JsonObject
  return { ...made, components: openToMore(made['components']), paths: openResponses(made['paths'] as JsonObject) }
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
  return codes
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
  return {
    operationId: route.id,
    summary: route.summary,
    description: `Who may: ${accessText(route.access)}.`,
    tags: [route.tag],
    ...(route.access !== 'public' && route.access !== 'webhook' && { security: [{ bearer: [] }] }),
    ...((route.parameters !== undefined || route.query !== undefined) && {
      requestParams: {
        ...(route.parameters !== undefined && { path: route.parameters }),
        ...(route.query !== undefined && { query: route.query }),
      },
    }),
    ...(route.body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: route.body } } },
    }),
    responses,
    ...(typeof route.access === 'object' && { 'x-flotilla-access': { ...route.access } }),
  }
}

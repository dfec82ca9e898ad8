import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, it } from 'vitest'
import { openApiDocument, problemsOf } from './openapi.ts'
import { PROBLEMS } from './problem.ts'
import { REQUEST_EXAMPLES } from './request-examples.ts'
import { ROUTE_TABLE } from './route-table.ts'

const document = JSON.parse(JSON.stringify(openApiDocument(ROUTE_TABLE, '0.1.0'))) as {
  readonly paths: Record<string, Record<string, Operation>>
}
interface Operation {
  readonly operationId: string
  readonly description?: string
  readonly responses: Record<string, { readonly content?: Record<string, { readonly example?: unknown }> }>
}
const operations = Object.values(document.paths).flatMap(methods => Object.values(methods))

it('is a document that a validator of OpenAPI 3.1 accepts', async () => {
  const result = await new Validator().validate(structuredClone(document))
  expect(result.valid ? [] : result.errors).toEqual([])
})

it('a document that is none is not accepted', async () => {
  const broken = structuredClone(document) as { paths: Record<string, unknown> }
  broken.paths['/api/v1/fleet'] = { get: { responses: { nonsense: 1 } } }
  expect((await new Validator().validate(broken)).valid).toBe(false)
})

it('says of each operation who may, and every problem with its status', () => {
  for (const route of ROUTE_TABLE) {
    const operation = document.paths[route.path]![route.method]!
    expect([route.id, operation.description]).toEqual([route.id, expect.stringMatching(/^Who may: /)])
    const statuses = problemsOf(route).map(code => String(PROBLEMS[code][0]))
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(statuses))
  }
})

it('examples of bodies are what their routes take, and nearly every route that wants a body has one', () => {
  let [made, all] = [0, 0]
  for (const route of ROUTE_TABLE) {
    const example = REQUEST_EXAMPLES[route.id]
    if (route.body === undefined || route.access === 'webhook') continue
    all += 1
    if (example === undefined) continue
    made += 1
    const result = route.body.safeParse(example)
    expect([route.id, result.success ? [] : result.error.issues]).toEqual([route.id, []])
  }
  expect(made / all).toBeGreaterThan(0.8)
  const ids: readonly string[] = ROUTE_TABLE.map(({ id }) => id)
  expect(Object.keys(REQUEST_EXAMPLES).filter(id => !ids.includes(id))).toEqual([])
})

it('nearly every answer has an example, and each is what its schema says', () => {
  let [made, all] = [0, 0]
  for (const route of ROUTE_TABLE) {
    const operation = operations.find(({ operationId }) => operationId === route.id)!
    for (const [status, { schema }] of Object.entries(route.answers)) {
      if (schema === undefined) continue
      all += 1
      const example = operation.responses[status]?.content?.['application/json']?.example
      if (example === undefined) continue
      made += 1
      const result = schema.safeParse(example)
      expect([route.id, result.success ? [] : result.error.issues]).toEqual([route.id, []])
      expect(isJsonObject(example as Json)).toBe(true)
    }
  }
  expect(made / all).toBeGreaterThan(0.8)
})

import type { Json, JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { type Answer, at } from './api.ts'

/** The body of an answer that must have this status. */
export function ok(answer: Answer, status = 200): JsonObject {
  expect(answer.status, excerpt(answer)).toBe(status)
  return answer.body as JsonObject
}

/** The Status of an answer that must be a refusal with this code and reason. */
export function refused(answer: Answer, code: number, reason: string): JsonObject {
  expect(answer.body, excerpt(answer)).toMatchObject({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
  })
  expect(answer.status).toBe(code)
  return answer.body as JsonObject
}

/** What a failed row shows of an answer: some rows send megabytes. */
function excerpt(answer: Answer): string {
  return answer.text.length > 600 ? `${answer.text.slice(0, 600)} …` : answer.text
}

/** The `details.causes` of a refusal, as `reason field`, sorted. */
export function causes(status: JsonObject): readonly string[] {
  const list = (at(status, 'details', 'causes') ?? []) as readonly {
    readonly reason?: string
    readonly field?: string
  }[]
  return list.map(cause => `${cause.reason ?? ''} ${cause.field ?? ''}`.trim()).sort()
}

export function names(list: JsonObject): readonly string[] {
  return (list['items'] as readonly Json[]).map(item => String(at(item, 'metadata', 'name')))
}

/** What a manager owns, without time: `{ 'flotilla Apply': { 'f:data': … } }`; a subresource is added to the key. */
export function ownership(object: JsonObject): Record<string, Json> {
  const entries = (at(object, 'metadata', 'managedFields') ?? []) as readonly JsonObject[]
  return Object.fromEntries(
    entries.map(entry => {
      const subresource = entry['subresource'] === undefined ? '' : ` ${String(entry['subresource'])}`
      return [`${String(entry['manager'])} ${String(entry['operation'])}${subresource}`, entry['fieldsV1'] as Json]
    }),
  )
}

/**
 * Tries again until it does not throw: for what a controller brings about. No row rests on how fast that is; after
 * `timeoutMs` the last error is thrown.
 */
export async function eventually<Value>(attempt: () => Promise<Value>, timeoutMs = 180_000): Promise<Value> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
    }
    await new Promise(resolve => setTimeout(resolve, 40))
  }
}

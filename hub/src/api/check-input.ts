import { nearest } from '@flotilla/core/text/nearest'
import type { Request } from 'express'
import type { z } from 'zod'
import { BoundedMemo } from '../source/bounded-memo.ts'
import { Problem, type ProblemError } from './problem.ts'
import type { Route, RouteInput } from './route.ts'

/**
 * Path, query and body as the route's schemas make them; everything that is wrong is told at once.
 *
 * @throws Problem `REQUEST_INVALID` with a pointer for each mistake.
 */
export function checkInput(route: Route, request: Request): RouteInput {
  const errors: ProblemError[] = []
  const path = check(route.parameters, request.params, '/path', errors)
  const query = readQuery(route, request, errors)
  const body = route.method !== 'get' ? checkBody(route, request.body as unknown, errors) : undefined
  if (errors.length > 0) throw new Problem('REQUEST_INVALID', { errors })
  return { path, query, body } as unknown as RouteInput
}

/** Queries that are asked again and again: what they mean depends on their text alone. */
const READ = new WeakMap<Route, BoundedMemo<{ readonly query: unknown }>>()
const MOST_READ = 500

function readQuery(route: Route, request: Request, errors: ProblemError[]): unknown {
  const { originalUrl } = request
  const mark = originalUrl.indexOf('?')
  const text = mark < 0 ? '' : originalUrl.slice(mark + 1)
  const read = READ.get(route) ?? new BoundedMemo(MOST_READ, () => 1)
  READ.set(route, read)
  const known = read.get(text)
  if (known !== undefined) return known.query
  const before = errors.length
  const query = check(route.query, queryOf(text, errors), '/query', errors)
  if (errors.length === before && text.length < 2_000) read.set(text, { query })
  return query
}

/** A parameter that is given twice is a mistake; which one would count is not for the hub to guess. */
function queryOf(text: string, errors: ProblemError[]): Record<string, string> {
  const given: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in given) errors.push({ pointer: pointerTo('/query', [name]), message: 'given more than once' })
    given[name] = value
  }
  return given
}

function check(
  schema: z.ZodObject | undefined,
  value: Record<string, unknown>,
  at: string,
  errors: ProblemError[],
): unknown {
  if (schema === undefined) {
    for (const name of Object.keys(value)) errors.push(unknownName(at, [name], []))
    return {}
  }
  const result = schema.safeParse({ ...value })
  if (result.success) return result.data
  for (const issue of result.error.issues) errors.push(...errorsOf(issue, at, Object.keys(schema.shape)))
  return undefined
}

function checkBody(route: Route, body: unknown, errors: ProblemError[]): unknown {
  if (route.body === undefined) {
    // Clients that always send JSON send an empty object.
    const empty = body === undefined || (typeof body === 'object' && body !== null && Object.keys(body).length === 0)
    if (!empty) errors.push({ pointer: '/body', message: 'this route takes no body' })
    return undefined
  }
  if (body === undefined) {
    errors.push({ pointer: '/body', message: 'a body is needed' })
    return undefined
  }
  const result = route.body.safeParse(body)
  if (result.success) return result.data
  for (const issue of result.error.issues) errors.push(...errorsOf(issue, '/body', []))
  return undefined
}

function errorsOf(issue: z.core.$ZodIssue, at: string, known: readonly string[]): readonly ProblemError[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownName(at, [...path, key], known))
  return [{ pointer: pointerTo(at, path), message: issue.message }]
}

function unknownName(at: string, path: readonly string[], known: readonly string[]): ProblemError {
  const name = path.at(-1) ?? ''
  const near = nearest(name, known)
  const what = at === '/query' ? 'query parameter' : 'field'
  return {
    pointer: pointerTo(at, path),
    message: `unknown ${what}`,
    ...(near !== undefined && { hint: `did you mean "${near}"?` }),
  }
}

/** RFC 6901; what is echoed of a request is bounded. */
function pointerTo(at: string, path: readonly string[]): string {
  return [at, ...path.map(part => part.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')
}

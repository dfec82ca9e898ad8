import assert from 'node:assert/strict'
import { problemsOf } from '../openapi.ts'
import { PROBLEMS, type ProblemCode } from '../problem.ts'
import type { Route } from '../route.ts'
import { ROUTE_TABLE } from '../route-table.ts'
import { problemSchema, wholeSchema } from '../schemas.ts'

/** What a hub has answered, wherever a test has heard it. */
export interface HeardAnswer {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly status: number
  /** By their names in lower case. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  /** Parsed, where it is JSON. */
  readonly body: unknown
}

const PATTERNS = ROUTE_TABLE.map(route => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
}))

/** Any answer of any route may be one of these: they come before the route is looked at. */
const ANYWHERE: ReadonlySet<string> = new Set<ProblemCode>([
  ...(['NOT_FOUND', 'METHOD_NOT_ALLOWED', 'TOO_MANY_REQUESTS', 'INTERNAL', 'UNAVAILABLE', 'REQUEST_INVALID'] as const),
  ...(['UNAUTHENTICATED', 'STORE_BEHIND', 'NOT_ACCEPTABLE'] as const),
])

/** The route that a request is for: paths without parameters come before those with. */
export function routeOf(method: string, path: string): Route | undefined {
  const [bare = ''] = path.split('?', 1)
  const wanted = method.toLowerCase() === 'head' ? 'get' : method.toLowerCase()
  const found = PATTERNS.filter(({ route, pattern }) => route.method === wanted && pattern.test(bare))
  return (found.find(({ route }) => route.path === bare) ?? found[0])?.route
}

/** Fails where an answer is not as the description of the API says it would be. */
export function expectAnswer({ method, path, status, headers, body }: HeardAnswer): void {
  const what = `${method} ${path} ${status}`
  const type = String(headers['content-type'] ?? '')
  const route = routeOf(method, path)
  if (status >= 400 && !(route && String(status) in route.answers)) {
    assert.match(type, /^application\/problem\+json/, what)
    const problem = problemSchema.safeParse(body)
    assert.deepEqual(problem.success ? [] : problem.error.issues, [], what)
    const { code, status: told } = problem.data ?? { code: '', status: 0 }
    assert.equal(told, status, what)
    assert.ok(code in PROBLEMS, `${what}: ${code} is in no table`)
    if (route && !ANYWHERE.has(code)) {
      assert.ok(
        (problemsOf(route) as readonly string[]).includes(code),
        `${what}: ${code} is not among the problems of ${route.id}`,
      )
    }
    return
  }
  if (status === 304 || status === 204 || method === 'HEAD' || !route) return
  const answer = route.answers[String(status)]
  assert.ok(answer, `${what}: ${route.id} has no such answer`)
  if (!answer.schema) return
  const picks = new URLSearchParams(path.split('?')[1] ?? '').has('fields')
  const result = (picks ? answer.schema : wholeSchema(answer.schema)).safeParse(body)
  assert.deepEqual(result.success ? [] : result.error.issues, [], what)
}

import type { Request } from 'express'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'

/**
 * Refuses who takes none of what the route answers with. A request without `Accept` takes anything.
 *
 * @throws Problem `NOT_ACCEPTABLE`
 */
export function requireAcceptable(route: Route, request: Request): void {
  const accept = request.headers.accept
  if (accept === undefined || accept === '' || accept === '*/*') return
  const wanted = rangesOf(accept)
  const offered = route.streams ?? [
    ...new Set(Object.values(route.answers).map(({ contentType }) => contentType ?? 'application/json')),
  ]
  if (offered.some(type => wanted.some(range => matches(range, type)))) return
  throw new Problem('NOT_ACCEPTABLE', { detail: `this route answers with ${offered.join(', ')}` })
}

/** @throws Problem `BODY_TYPE_UNSUPPORTED` for a body that is not JSON in UTF-8. */
export function requireJson(request: Request): void {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type)) throw new Problem('BODY_TYPE_UNSUPPORTED')
}

export function hasBody(request: Request): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  return encoding !== undefined || (length !== undefined && length !== '0')
}

/** Media ranges with a weight above nothing; `q=0` says that it is not wanted. */
function rangesOf(accept: string): readonly string[] {
  return accept.split(',').flatMap(part => {
    const [range = '', ...parameters] = part.split(';').map(each => each.trim().toLowerCase())
    return parameters.some(each => /^q=0(\.0{1,3})?$/.test(each)) || range === '' ? [] : [range]
  })
}

function matches(range: string, type: string): boolean {
  const plain = type.split(';', 1)[0] ?? ''
  return range === '*/*' || range === plain || (range.endsWith('/*') && plain.startsWith(range.slice(0, -1)))
}

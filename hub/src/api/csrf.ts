import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request } from 'express'
import { Problem } from './problem.ts'

/**
 * A browser sends the session's cookie along with whatever any page makes it ask. So a write by cookie has to show the
 * token that only our own pages can read, and must not come from elsewhere by the browser's own words.
 *
 * @param token What it has to show; absent where no cookie has proved who asks.
 * @throws Problem `CSRF_TOKEN_MISSING`
 */
export function requireOwnPage(request: Request, token: string | undefined): void {
  if (token === undefined || request.method === 'GET' || request.method === 'HEAD') return
  const site = request.headers['sec-fetch-site']
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  const shown = request.get('X-CSRF-Token') ?? ''
  if (foreign || shown === '' || !equal(shown, token)) throw new Problem('CSRF_TOKEN_MISSING')
}

function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

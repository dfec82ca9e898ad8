import type { Request } from 'express'
import { expect, it } from 'vitest'
import { requireOwnPage } from './csrf.ts'

const asked = (method: string, headers: Record<string, string>): Request =>
  ({ method, headers, get: (name: string) => headers[name.toLowerCase()] }) as unknown as Request
const TOKEN = 'token-of-the-page'

it.each([
  ['a read by cookie', 'GET', {}, TOKEN, true],
  ['a write by a bearer token', 'POST', {}, undefined, true],
  ['a write by cookie from our page', 'POST', { 'x-csrf-token': TOKEN, 'sec-fetch-site': 'same-origin' }, TOKEN, true],
  ['a write by cookie from a browser that says nothing', 'POST', { 'x-csrf-token': TOKEN }, TOKEN, true],
  ['a write by cookie without the token', 'POST', { 'sec-fetch-site': 'same-origin' }, TOKEN, false],
  ['a write by cookie with another token', 'DELETE', { 'x-csrf-token': 'x' }, TOKEN, false],
  [
    'a write by cookie from another site',
    'PATCH',
    { 'x-csrf-token': TOKEN, 'sec-fetch-site': 'cross-site' },
    TOKEN,
    false,
  ],
  ['one from a neighbour of the site', 'PATCH', { 'x-csrf-token': TOKEN, 'sec-fetch-site': 'same-site' }, TOKEN, false],
] as const)('%s', (_, method, headers, token, passes) => {
  const work = (): void => requireOwnPage(asked(method, headers), token)
  if (passes) expect(work).not.toThrow()
  else expect(work).toThrow(expect.objectContaining({ code: 'CSRF_TOKEN_MISSING' }))
})

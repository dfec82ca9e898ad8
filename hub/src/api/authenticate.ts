import type { Request } from 'express'
import { Problem } from './problem.ts'
import type { ApiServices } from './route.ts'
import { type Caller, callerOf } from './tokens.ts'

/**
 * Who asks, proved. Whatever proves an identity is looked at here and nowhere else.
 *
 * @throws Problem `UNAUTHENTICATED`: the same for no token, a malformed, an unknown, a wrong and an expired one.
 */
export async function authenticate({ store, clock }: ApiServices, request: Request, inQuery?: true): Promise<Caller> {
  const header = request.get('Authorization')
  const inHeader = header !== undefined || inQuery !== true
  const text = inHeader
    ? (/^Bearer +(\S{1,200})$/i.exec(header ?? '')?.[1] ?? '')
    : (new URLSearchParams(request.originalUrl.replace(/^[^?]*/, '')).get('token') ?? '')
  const caller = await store.read(rows => callerOf(rows, text, clock.now()))
  // URLs end up in logs and histories of others: one that may change anything is as good as none there.
  if (caller === undefined || (!inHeader && caller.role !== 'readonly')) throw new Problem('UNAUTHENTICATED')
  return caller
}

import type { AccessObject } from '@flotilla/core/access/object'
import type { Caller } from './tokens.ts'

/**
 * Who may do what to which thing. `hidden`: it must look as if there were no such thing. `forbidden`: it may be seen, so
 * the refusal may be told.
 */
export type Permits = (caller: Caller, action: string, object: AccessObject) => 'allow' | 'hidden' | 'forbidden'

/** By the token's role alone: administrators may everything, everybody else may look. */
export const permitsByRole: Permits = ({ role }, action) =>
  role === 'admin' || action === 'get' ? 'allow' : 'forbidden'

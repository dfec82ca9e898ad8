import { PATH_RESOURCES } from '@flotilla/core/access/vocabulary'
import type { Context } from '../api/route.ts'
import { namedObject } from './objects.ts'
import type { Asker } from './rights.ts'
import { rightsToAsk } from './rights-of.ts'

/** The right that a route asks for, as rows of a policy name it. */
export interface Right {
  readonly resource: string
  /** With parts of the request in braces: `action/{group}/{kind}/{action}`. */
  readonly action: string
  /**
   * Of what. `one`: the stored thing that is meant, which is not there for whoever may not see it. `each`: every entry
   * of the answer by itself. `all`: everything of that kind, as a row with `*` gives it.
   */
  readonly of: 'one' | 'each' | 'all'
  /** What is asked besides, in words. */
  readonly also?: string
}

/** `known`: whoever has proved who he is; the answer is about himself, or asks for rights as it goes. */
export type Access = 'public' | 'webhook' | 'known' | Right

export function one(resource: string, action: string, also?: string): Right {
  return { resource, action, of: 'one', ...(also !== undefined && { also }) }
}

export function each(resource: string, action: string, also?: string): Right {
  return { resource, action, of: 'each', ...(also !== undefined && { also }) }
}

export function all(resource: string, action: string): Right {
  return { resource, action, of: 'all' }
}

/** Whether a route does more than show what each may see by himself: how often it is denied is limited. */
export function isPrivileged(access: Access): boolean {
  return typeof access === 'object' && (access.of === 'all' || access.action !== 'get' || access.resource === 'audit')
}

/** Who may call a route, as its description says it. */
export function accessText(access: Access): string {
  if (access === 'public') return 'everybody'
  if (access === 'webhook') return 'whoever knows the secret of webhooks'
  if (access === 'known') return 'whoever has proved who they are'
  const { resource, action, of, also } = access
  const what = `${resource}, ${action}`
  const text = of === 'one' ? what : of === 'each' ? `${what}, of each entry` : `${what}, of *`
  return also === undefined ? text : `${text}; ${also}`
}

/**
 * Does what a route does, for whom it may be done. Who forgot to ask about the thing itself is found out here: nothing is
 * answered then.
 *
 * @param team Of lists: only what is this Team's.
 * @throws Problem `FORBIDDEN`, `NOT_FOUND`. Error when the handler asked for no right.
 */
export async function withAccess<Reply>(
  access: Access,
  caller: Asker,
  context: Context,
  team: string | undefined,
  handle: () => Promise<Reply> | Reply,
): Promise<Reply> {
  const rights = rightsToAsk(caller, context)
  if (access === 'known') rights.needNone()
  else if (typeof access === 'object' && access.of === 'all') {
    // That there is a hub, and that it has such a route, is no secret.
    const project = PATH_RESOURCES.has(access.resource) ? '*' : undefined
    if (!rights.may(access.action, namedObject(access.resource, '*', project))) throw rights.refusal()
  }
  if (team !== undefined) rights.narrowTo(team)
  const reply = await handle()
  if (!rights.asked && !isEmptyList(access, reply)) throw new Error('a route asked for no right')
  return reply
}

/** Where there is no entry, there is none to ask about. */
function isEmptyList(access: Access, reply: unknown): boolean {
  if (typeof access !== 'object' || access.of !== 'each') return false
  const { body } = reply as { readonly body?: { readonly items?: unknown; readonly total?: unknown } }
  return Array.isArray(body?.items) && body.items.length === 0 && (body.total ?? 0) === 0
}

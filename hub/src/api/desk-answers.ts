import type { DeskAnswer, OperationDesk, SyncWish } from '../operations/operation-desk.ts'
import type { PauseActs } from '../operations/pause-desk.ts'
import { Problem, type ProblemCode } from './problem.ts'
import { type Context, json, type Reply } from './route.ts'
import { acceptedSchema } from './schemas-of-operations.ts'

/** What routes that ask the desk may refuse. */
export const REFUSALS = ['OPERATION_HELD', 'OPERATION_BUSY', 'OPERATION_NONE', 'AGENT_NOT_JOINED'] as const
/** What they answer otherwise. */
export const accepted = { 202: { description: 'It is on its way.', schema: acceptedSchema } }

type Refusal = Extract<DeskAnswer, { kind: 'refused' }>

/** Of what the desk refuses: how the API says it. */
export const CODES: Readonly<Record<Refusal['code'], ProblemCode>> = {
  UNKNOWN: 'NOT_FOUND',
  HELD: 'OPERATION_HELD',
  REASON_REQUIRED: 'REASON_REQUIRED',
  BUSY: 'OPERATION_BUSY',
  IDLE: 'OPERATION_NONE',
  NO_AGENT: 'AGENT_NOT_JOINED',
  TOO_MANY: 'TOO_MANY_REQUESTS',
  VERB: 'ACTION_IMPOSSIBLE',
  NO_TARGET: 'PIN_IMPOSSIBLE',
}

/** @throws Problem for what was refused. */
export function replyTo(answer: DeskAnswer): Reply {
  if (answer.kind === 'refused') throw refusalOf(answer)
  return json(202, { id: answer.id, status: answer.kind })
}

/** @returns the operation's id, to follow. @throws Problem */
export async function syncByHand(name: string, wish: SyncWish, context: Context): Promise<string> {
  const answer = await deskOf(context).sync(name, wish)
  if (answer.kind === 'refused') throw refusalOf(answer)
  return answer.id
}

/** @throws Problem `UNAVAILABLE` */
export function deskOf({ services }: Context): OperationDesk {
  if (!services.desk) throw new Problem('UNAVAILABLE', { detail: 'this hub takes no operations by hand' })
  return services.desk
}

/** @throws Problem `UNAVAILABLE` */
export function pausesOf({ services }: Context): PauseActs {
  if (!services.pauses) throw new Problem('UNAVAILABLE', { detail: 'this hub takes no operations by hand' })
  return services.pauses
}

/** @throws Problem `REQUEST_INVALID` for a pause that would be over before it began. */
export function pauseEnd(until: string | undefined, { services }: Context): { readonly until?: number } {
  if (until === undefined) return {}
  const end = Date.parse(until)
  if (end > services.clock.now()) return { until: end }
  throw new Problem('REQUEST_INVALID', {
    errors: [{ pointer: '/body/until', message: 'it would have ended already' }],
  })
}

/** How the API says a refusal. */
export function refusalOf({ code: refused, message }: Refusal): Problem {
  const code = CODES[refused]
  return new Problem(code, code === 'NOT_FOUND' ? {} : { detail: message })
}

import { requireApplication } from '../../access/seen-application.ts'
import type { SyncWish } from '../../operations/operation-desk.ts'
import type { PinActs, PinAnswer } from '../../operations/pin-desk.ts'
import { replyTo } from '../desk-answers.ts'
import { Problem } from '../problem.ts'
import type { Context, Reply } from '../route.ts'
import type { Caller } from '../tokens.ts'

/** Syncs another revision than Git says: an override, also for whoever may sync. @throws Problem */
export async function syncRevision(
  name: string,
  revision: string,
  wish: SyncWish,
  caller: Caller,
  context: Context,
): Promise<Reply> {
  requireApplication(name, 'override', caller, context)
  return started(await pinsOf(context).syncRevision(name, revision, wish))
}

/** @throws Problem for what was refused. */
export function started(answer: PinAnswer): Reply {
  if (answer.kind === 'done') throw new Error('a rollback that starts nothing')
  return replyTo(answer)
}

/** @throws Problem `UNAVAILABLE` */
export function pinsOf({ services }: Context): PinActs {
  if (!services.pins) throw new Problem('UNAVAILABLE', { detail: 'this hub takes no operations by hand' })
  return services.pins
}

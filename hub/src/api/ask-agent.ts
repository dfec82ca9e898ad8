import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { CommandAction } from '@flotilla/core/protocol/documents'
import { applicationObject } from '../access/objects.ts'
import { freshRights } from '../access/rights-of.ts'
import type { Upload, Uploads } from '../gateway/uploads.ts'
import { mayGoOn as stillProved } from './authenticate.ts'
import { replyTo } from './desk-answers.ts'
import { Problem } from './problem.ts'
import type { Context } from './route.ts'
import type { Caller } from './tokens.ts'

export interface AgentQuestion {
  /** The Application's name. */
  readonly name: string
  readonly action: Exclude<CommandAction, { readonly verb: 'terminate' }>
  /** How long the answer may last, in milliseconds. */
  readonly lastsMs: number
  /** How long the agent may take to begin. */
  readonly beginMs: number
}

/**
 * Asks the agent of an Application for something that it streams, for as long as who asks is there. Nothing is kept:
 * the bytes are read as fast as they are taken.
 *
 * @throws Problem when nobody answers, or the agent refuses.
 */
export async function askAgent(
  { name, action, lastsMs, beginMs }: AgentQuestion,
  caller: Caller,
  context: Context,
): Promise<{ readonly upload: Upload; readonly body: AsyncIterable<Uint8Array> }> {
  const { services, request } = context
  const { desk, uploads, clock, random, log } = services
  if (!desk || !uploads) throw new Problem('UNAVAILABLE', { detail: 'this hub streams nothing' })
  const now = Math.floor(clock.now())
  const id = uuidV7(now, random.bytes(10))
  const upload = uploads.expect(id, caller.tokenId)
  if (!upload) throw new Problem('TOO_MANY_WATCHERS', { headers: { 'Retry-After': '30' } })
  const leave = (): void => upload.finish('left')
  request.socket.once('close', leave)
  const timer = clock.setTimer(lastsMs, () => upload.finish('expired'))
  upload.signal.addEventListener('abort', () => {
    timer.cancel()
    request.socket.off('close', leave)
    settle(context, id).catch((error: unknown) => log.warn('a command of a stream could not be settled', { error }))
  })
  try {
    const given = { id, expires: now + lastsMs }
    replyTo(await desk.command(name, action, { by: caller.name, reason: '' }, given))
    return { upload, body: await begun(upload, uploads, beginMs, context) }
  } catch (error) {
    upload.finish('left')
    throw error
  }
}

/** Whether who asked may still see it: by what proves him, the Application and the policy as they are by now. */
export async function mayStillSee(
  name: string,
  resource: 'applications' | 'logs',
  caller: Caller,
  context: Context,
): Promise<boolean> {
  const { services } = context
  const at = services.clock.now()
  if (!(await stillProved(services, caller))) return false
  const view = services.view.application(name, at)
  return view !== undefined && freshRights(caller, context).sees(applicationObject(view, resource))
}

/** The bytes, once the agent sends them. @throws Problem `STREAM_REFUSED`, `STREAM_NOT_BEGUN` */
async function begun(
  upload: Upload,
  uploads: Uploads,
  beginMs: number,
  { services }: Context,
): Promise<AsyncIterable<Uint8Array>> {
  const { store, clock } = services
  const refused = Promise.withResolvers<never>()
  const look = (): void => {
    store
      .read(rows => rows.command(upload.id))
      .then(row => {
        if (row === undefined || row.state === 'open' || upload.taken) return
        refused.reject(new Problem('STREAM_REFUSED', { detail: row.message ?? row.state }))
      })
      .catch(refused.reject)
  }
  const stop = uploads.onAnswered(look)
  const timer = clock.setTimer(beginMs, () => {
    refused.reject(new Problem('STREAM_NOT_BEGUN', { headers: { 'Retry-After': '30' } }))
  })
  look()
  try {
    const body = await Promise.race([upload.begun, refused.promise])
    if (body) return body
    throw new Problem(upload.end === 'stopping' ? 'UNAVAILABLE' : 'STREAM_NOT_BEGUN')
  } finally {
    stop()
    timer.cancel()
  }
}

/** What nobody waits for any more is not asked of the agent any more; what it has begun it answers by itself. */
async function settle({ services }: Context, id: string): Promise<void> {
  const { store, clock } = services
  await store.write(async rows => {
    const row = await rows.command(id)
    if (row?.state !== 'open') return
    const message = 'nobody waits for it any more'
    await rows.putCommand({ ...row, state: 'lapsed', message, answeredAt: Math.floor(clock.now()) })
  })
}

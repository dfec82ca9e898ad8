import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { CommandAction, CommandPayload } from '@flotilla/core/protocol/documents'
import type { CommandAnswer } from '@flotilla/core/protocol/frames'
import type { Engine } from '../engine.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import { writerFor } from '../writer-of.ts'
import { hasPods, podsOf } from './pods-of.ts'
import { RecordQueue } from './record-queue.ts'
import { SecretValues } from './secret-values.ts'
import { streamChildren } from './stream-children.ts'
import { streamEvents } from './stream-events.ts'
import { streamLogs } from './stream-logs.ts'

type Outcome = Pick<CommandAnswer, 'outcome' | 'message'>
export type StreamAction = Extract<CommandAction, { readonly verb: 'logs' | 'events' | 'children' }>

/** Of one agent at once; each costs connections to its hub and to its API server. */
const MOST_STREAMS = 8

/** Which objects an Application may show, asked when a stream begins. */
export type WhyNot = (key: ObjectKey, live: KubernetesObject) => Promise<string | undefined>

/**
 * What people read of a cluster while it runs: logs and events, as uploads under a command's id (protocol.md 8). They
 * go beside other commands, because one of them may last an hour.
 */
export class CommandStreams {
  readonly #running = new Set<Promise<void>>()

  /**
   * Begins one, unless there are too many. `over` is called with what became of it, when it has ended.
   */
  begin(
    engine: Engine,
    command: CommandPayload & { readonly action: StreamAction },
    whyNot: WhyNot,
    over: (outcome: Outcome) => Promise<void>,
  ): void {
    if (this.#running.size >= MOST_STREAMS) {
      void over({ outcome: 'refused', message: `${MOST_STREAMS} streams are open at this agent; one has to end first` })
      return
    }
    const work: Promise<void> = stream(engine, command, whyNot)
      .catch((error: unknown): Outcome => {
        return { outcome: 'failed', message: error instanceof Error ? error.message : String(error) }
      })
      .then(over)
      .catch((error: unknown) => engine.log.warn('a stream could not be answered', { error: String(error) }))
      .finally(() => this.#running.delete(work))
    this.#running.add(work)
  }

  /** Resolves when all have ended; their signal is the engine's. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }
}

async function stream(
  engine: Engine,
  { id, application, action, expires }: CommandPayload & { readonly action: StreamAction },
  whyNot: WhyNot,
): Promise<Outcome> {
  const { link, clock } = engine
  const ending = new AbortController()
  const end = (why: string): void => ending.abort(new Error(why))
  const stop = (): void => end('the agent stops')
  engine.signal.addEventListener('abort', stop, { once: true })
  const timer = clock.setTimer(Math.max(0, expires - (link.hubTime() ?? clock.now())), () => end('its time is over'))
  try {
    const held = link.held().get(application)
    const client = writerFor(engine.client, held)
    const values = new SecretValues(held?.typ === 'offer' ? ((await link.bundle(held.digest))?.objects ?? []) : [])
    const masked = (text: string): string => values.masked(text)
    const queue = new RecordQueue(clock)
    const writing = { queue, signal: ending.signal, masked }
    const prepared =
      action.verb === 'logs'
        ? await prepareLogs(client, action, whyNot, writing)
        : action.verb === 'events'
          ? await prepareEvents(engine, client, application, action, whyNot, writing)
          : await prepareChildren(engine, client, application, whyNot, writing)
    if (typeof prepared === 'string') return { outcome: 'refused', message: prepared }
    return await carry(engine, id, queue, prepared, ending)
  } finally {
    timer.cancel()
    engine.signal.removeEventListener('abort', stop)
  }
}

interface Writing {
  readonly queue: RecordQueue
  readonly signal: AbortSignal
  readonly masked: (text: string) => string
}

/** What writes the records, or why nothing may be written. */
type Prepared = (() => Promise<string>) | string

async function prepareLogs(
  client: KubernetesClient,
  action: Extract<StreamAction, { readonly verb: 'logs' }>,
  whyNot: WhyNot,
  writing: Writing,
): Promise<Prepared> {
  const { object } = action
  const name = objectKeyText(object)
  if (!hasPods(object.group, object.kind)) return `${name} has no Pods`
  const workload = await client.get(object)
  if (!workload) return `${name} is not there`
  const refusal = await whyNot(object, workload)
  if (refusal !== undefined) return refusal
  const pods = await podsOf(client, workload, writing.signal)
  if (pods.length === 0 && !action.follow) return `${name} has no Pods at the moment`
  return async () => {
    const count = await streamLogs({ client, workload, wish: action, ...writing }, pods)
    return `logs of ${count} ${count === 1 ? 'Pod' : 'Pods'}`
  }
}

async function prepareEvents(
  engine: Engine,
  client: KubernetesClient,
  application: string,
  action: Extract<StreamAction, { readonly verb: 'events' }>,
  whyNot: WhyNot,
  writing: Writing,
): Promise<Prepared> {
  const { object } = action
  if (object) {
    const live = await client.get(object)
    if (!live) return `${objectKeyText(object)} is not there`
    const refusal = await whyNot(object, live)
    if (refusal !== undefined) return refusal
  }
  const objects = object ? [object] : await engine.inventories.read(application)
  const isOurs = async (key: ObjectKey): Promise<boolean> => {
    const live = await client.get(key)
    return live !== undefined && (await whyNot(key, live)) === undefined
  }
  return async () => {
    const count = await streamEvents({ client, objects, isOurs, ...writing })
    return `${count} ${count === 1 ? 'event' : 'events'}`
  }
}

async function prepareChildren(
  engine: Engine,
  client: KubernetesClient,
  application: string,
  whyNot: WhyNot,
  writing: Writing,
): Promise<Prepared> {
  const objects = await engine.inventories.read(application)
  const ownedBy = async (key: ObjectKey): Promise<string | undefined> => {
    const live = await client.get(key)
    return live !== undefined && (await whyNot(key, live)) === undefined ? live.metadata.uid : undefined
  }
  return async () => {
    const count = await streamChildren({ client, objects, ownedBy, now: () => engine.clock.now(), ...writing })
    return `${count} ${count === 1 ? 'child' : 'children'}`
  }
}

/** Writes and uploads at once; whichever ends first ends the other. */
async function carry(
  { link, log }: Engine,
  id: string,
  queue: RecordQueue,
  write: () => Promise<string>,
  ending: AbortController,
): Promise<Outcome> {
  let said = ''
  let failure: unknown
  const writing = write()
    .then(text => {
      said = text
    })
    .catch(async (error: unknown) => {
      failure = error
      if (ending.signal.aborted) return
      await queue.put({ kind: 'note', text: error instanceof Error ? error.message : String(error) })
    })
    .finally(() => queue.end())
  const answer = await link.upload(id, queue.read(), ending.signal).catch((error: unknown) => ({
    taken: false,
    message: error instanceof Error ? error.message : String(error),
  }))
  ending.abort(new Error('nobody reads it any more'))
  queue.end()
  await writing
  log.debug('a stream ended', { command: id, records: queue.count })
  if (!answer.taken) return { outcome: 'failed', message: answer.message }
  if (failure !== undefined) return { outcome: 'failed', message: String(failure) }
  return { outcome: 'done', message: said }
}

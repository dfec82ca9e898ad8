import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Response } from 'express'
import type { SeenChange } from '../access/seen-changes.ts'
import type { Change, ChangeKind } from './change-log.ts'
import type { FleetView } from './fleet-view.ts'
import { Problem } from './problem.ts'

type Told = Exclude<SeenChange, { readonly kind: 'nothing' }>

/** Between two comments that keep a quiet stream open; proxies close at 30 s and more. */
const HEARTBEAT_MS = 15_000

export interface Watch {
  readonly kinds: ReadonlySet<ChangeKind>
  /** Go on after this change; without it the stream begins with a snapshot marker. */
  readonly after?: number
  /** Asked at each heartbeat; the stream ends when it says no. */
  readonly mayGoOn: () => Promise<boolean>
  /** Calls whenever something that proves who somebody is was revoked: then that is asked at once. */
  readonly onRevoked?: (listener: () => void) => () => void
  /** Asked for each change as it is sent: what may be seen now, not when the stream began. All of it, without it. */
  readonly sees?: (change: Change) => SeenChange
  /** Whose eyes the stream is for, and by which policy, as it is now; the stream ends when it is another one. */
  readonly tag?: () => string
  /** Calls when rights may be others; returns how to stop. */
  readonly onRights?: (listener: () => void) => () => void
}

/**
 * Everyone who watches. No watcher has a queue: each remembers the number of the last change it was sent, and the
 * view's change log is the buffer of all. A reader that is too slow to keep up with the log is cut off.
 */
export class Watchers {
  private readonly view: FleetView
  private readonly clock: Clock
  private readonly log: Log
  private readonly maximum: number
  private readonly open = new Set<() => void>()
  private last:
    | { readonly change: Change; readonly seen: SeenChange; readonly id: string; readonly bytes: Buffer }
    | undefined

  constructor(view: FleetView, clock: Clock, log: Log, maximum: number) {
    this.view = view
    this.clock = clock
    this.log = log
    this.maximum = maximum
  }

  get count(): number {
    return this.open.size
  }

  /** Ends all streams; their readers come back to whoever listens then. */
  close(): void {
    for (const end of [...this.open]) end()
  }

  /** @throws Problem `WATCH_GONE`, `TOO_MANY_WATCHERS`, before anything is sent. */
  begin(watch: Watch): (response: Response) => void {
    const { changes } = this.view
    if (this.open.size >= this.maximum) {
      throw new Problem('TOO_MANY_WATCHERS', { headers: { 'Retry-After': '30' } })
    }
    if (watch.after !== undefined && !changes.holdsAfter(watch.after)) throw new Problem('WATCH_GONE')
    return response => this.stream(watch, response)
  }

  private stream(watch: Watch, response: Response): void {
    const { changes } = this.view
    let sent = watch.after ?? changes.newest
    let draining = false
    const tag = watch.tag?.()
    const idOf = (number: number): string =>
      tag === undefined ? changes.idOf(number) : `${changes.idOf(number)}.${tag}`
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
    response.flushHeaders()
    if (watch.after === undefined) {
      const at = idOf(sent)
      response.write(`event: snapshot\nid: ${at}\ndata: ${JSON.stringify({ at })}\n\n`)
    }

    const pump = (): void => {
      if (watch.tag?.() !== tag) {
        end()
        return
      }
      if (!changes.holdsAfter(sent)) {
        this.log.info('watcher too slow', { behind: changes.newest - sent })
        end()
        return
      }
      while (!draining) {
        const change = changes.after(sent)
        if (change === undefined) return
        sent = change.number
        if (!watch.kinds.has(change.kind)) continue
        const seen = watch.sees?.(change) ?? { kind: change.action }
        if (seen.kind === 'nothing') continue
        draining = !response.write(this.eventOf(change, seen, idOf(sent)))
      }
    }
    const beat = (): void => {
      this.view.age(this.clock.now())
      watch
        .mayGoOn()
        .then(goes => {
          if (!this.open.has(end)) return
          if (!goes || watch.tag?.() !== tag) return end()
          // The id moves on although nothing of these kinds changed, so that coming back does not begin too early.
          if (!draining) response.write(`: heartbeat\nid: ${idOf(sent)}\n\n`)
          timer = this.clock.setTimer(HEARTBEAT_MS, beat)
        })
        .catch((error: unknown) => {
          this.log.error('watch ended by an error', { error })
          end()
        })
    }
    const stopListening = changes.listen(pump)
    const stopLooking = watch.onRights?.(pump)
    const stopAsking = watch.onRevoked?.(() => {
      watch.mayGoOn().then(
        goes => {
          if (!goes) end()
        },
        (error: unknown) => {
          this.log.error('watch ended by an error', { error })
          end()
        },
      )
    })
    let timer = this.clock.setTimer(HEARTBEAT_MS, beat)
    const end = (): void => {
      if (!this.open.delete(end)) return
      stopListening()
      stopLooking?.()
      stopAsking?.()
      timer.cancel()
      response.end()
      // What a slow reader has not taken yet is let go with the connection.
      if (draining) response.destroy()
    }
    this.open.add(end)
    response.on('drain', () => {
      draining = false
      pump()
    })
    response.on('close', end)
    response.on('error', end)
    pump()
  }

  /** The bytes of one event, made once however many watch. */
  private eventOf(change: Change, seen: Told, id: string): Buffer {
    if (seen.kind === 'put' && seen.text !== undefined) return Buffer.from(eventText(change, seen, id))
    const { last } = this
    if (last !== undefined && last.change === change && last.seen.kind === seen.kind && last.id === id)
      return last.bytes
    const bytes = Buffer.from(eventText(change, seen, id))
    this.last = { change, seen, id, bytes }
    return bytes
  }
}

function eventText(change: Change, seen: Told, id: string): string {
  const name = JSON.stringify(change.name)
  // Who may not see it any more is told no more than that it is gone.
  const gone = seen.kind === 'delete' && change.action === 'put'
  const text = seen.kind === 'put' ? (seen.text ?? change.text) : change.text
  const object = gone ? JSON.stringify({ id: change.before?.id, name: change.name }) : text
  return `event: ${change.kind}\nid: ${id}\ndata: {"action":"${seen.kind}","name":${name},"object":${object}}\n\n`
}

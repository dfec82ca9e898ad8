import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Response } from 'express'
import type { Change, ChangeKind } from './change-log.ts'
import type { FleetView } from './fleet-view.ts'
import { Problem } from './problem.ts'

/** Between two comments that keep a quiet stream open; proxies close at 30 s and more. */
const HEARTBEAT_MS = 15_000

export interface Watch {
  readonly kinds: ReadonlySet<ChangeKind>
  /** Go on after this change; without it the stream begins with a snapshot marker. */
  readonly after?: number
  /** Asked at each heartbeat; the stream ends when it says no. */
  readonly mayGoOn: () => Promise<boolean>
  /** Asked for each change as it is sent: what may be seen now, not when the stream began. All of it, without it. */
  readonly sees?: (change: Change) => 'put' | 'delete' | 'nothing'
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
  private last: { readonly change: Change; readonly seen: 'put' | 'delete'; readonly bytes: Buffer } | undefined

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
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
    response.flushHeaders()
    if (watch.after === undefined) {
      const at = changes.idOf(sent)
      response.write(`event: snapshot\nid: ${at}\ndata: ${JSON.stringify({ at })}\n\n`)
    }

    const pump = (): void => {
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
        const seen = watch.sees?.(change) ?? change.action
        if (seen !== 'nothing') draining = !response.write(this.eventOf(change, seen, changes.idOf(sent)))
      }
    }
    const beat = (): void => {
      this.view.age(this.clock.now())
      watch
        .mayGoOn()
        .then(goes => {
          if (!this.open.has(end)) return
          if (!goes) return end()
          // The id moves on although nothing of these kinds changed, so that coming back does not begin too early.
          if (!draining) response.write(`: heartbeat\nid: ${changes.idOf(sent)}\n\n`)
          timer = this.clock.setTimer(HEARTBEAT_MS, beat)
        })
        .catch((error: unknown) => {
          this.log.error('watch ended by an error', { error })
          end()
        })
    }
    const stopListening = changes.listen(pump)
    let timer = this.clock.setTimer(HEARTBEAT_MS, beat)
    const end = (): void => {
      if (!this.open.delete(end)) return
      stopListening()
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
  private eventOf(change: Change, seen: 'put' | 'delete', id: string): Buffer {
    const { last } = this
    if (last !== undefined && last.change === change && last.seen === seen) return last.bytes
    const bytes = Buffer.from(eventText(change, seen, id))
    this.last = { change, seen, bytes }
    return bytes
  }
}

function eventText(change: Change, seen: 'put' | 'delete', id: string): string {
  const name = JSON.stringify(change.name)
  // Who may not see it any more is told no more than that it is gone.
  const gone = seen === 'delete' && change.action === 'put'
  const object = gone ? JSON.stringify({ id: change.before?.id, name: change.name }) : change.text
  return `event: ${change.kind}\nid: ${id}\ndata: {"action":"${seen}","name":${name},"object":${object}}\n\n`
}

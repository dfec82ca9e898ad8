import type { Clock } from '@flotilla/core/ports/clock'
import {
  encodeRecord,
  MAX_STREAM_BYTES,
  STREAM_BEAT_MS,
  type StreamRecord,
} from '@flotilla/core/protocol/stream-records'

/** Bytes that wait for the hub: whoever writes more waits until it has taken some. */
const MOST_WAITING_BYTES = 128 * 1024

/**
 * Between those who read a cluster and the one upload that carries it: a few records, and no more. A reader who is slow
 * makes those who write wait, and so the cluster.
 */
export class RecordQueue {
  readonly #clock: Clock
  readonly #waiting: Uint8Array[] = []
  #bytes = 0
  #sent = 0
  #ended = false
  #tell: () => void = () => undefined
  #room: (() => void)[] = []
  /** Lines of logs and events that were handed over. */
  count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when there is room for the next one; false when nothing more is taken. */
  async put(record: StreamRecord): Promise<boolean> {
    if (this.#ended) return false
    const bytes = Buffer.from(encodeRecord(record))
    if (this.#sent + bytes.length > MAX_STREAM_BYTES) {
      this.#push(Buffer.from(encodeRecord({ kind: 'note', text: 'cut here: that is all that one stream may have' })))
      this.end()
      return false
    }
    if (record.kind !== 'note') this.count++
    this.#push(bytes)
    if (this.#bytes >= MOST_WAITING_BYTES) await new Promise<void>(resolve => this.#room.push(resolve))
    return !this.#ended
  }

  /** No more comes; what waits is still read. */
  end(): void {
    this.#ended = true
    this.#tell()
    for (const go of this.#room.splice(0)) go()
  }

  /** The bytes, an empty line now and then where there are none; read once. */
  async *read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = this.#waiting.shift()
        if (next) {
          this.#bytes -= next.length
          if (this.#bytes < MOST_WAITING_BYTES) for (const go of this.#room.splice(0)) go()
          yield next
        } else if (this.#ended) return
        else if (!(await this.#news())) yield Buffer.from('\n')
      }
    } finally {
      this.end()
    }
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
    this.#sent += bytes.length
    this.#tell()
  }

  /** False when nothing came for a while. */
  #news(): Promise<boolean> {
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(STREAM_BEAT_MS, () => resolve(false))
      this.#tell = () => {
        timer.cancel()
        resolve(true)
      }
    })
  }
}

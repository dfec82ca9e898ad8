import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { ClusterResponse } from '@flotilla/core/ports/cluster-transport'

export interface WatchEvent {
  readonly type: string
  readonly object: Json
}

/** No event that a row waits for takes longer, even on a loaded machine; then the row fails. */
const eventTimeoutMs = 180_000

/** The events of one watch, one JSON document a line. */
export class Watch {
  readonly status: number
  private readonly chunks: AsyncIterator<Uint8Array>
  private readonly controller: AbortController
  private buffered = ''
  private readonly decoder = new TextDecoder()

  /** @param controller Its signal went with the request: a watch that is being read ends by nothing else. */
  constructor(response: ClusterResponse, controller: AbortController) {
    this.status = response.status
    this.controller = controller
    this.chunks = response.body[Symbol.asyncIterator]()
  }

  /** The next event; undefined when the server has ended the watch. */
  async next(): Promise<WatchEvent | undefined> {
    for (;;) {
      const end = this.buffered.indexOf('\n')
      if (end >= 0) {
        const line = this.buffered.slice(0, end)
        this.buffered = this.buffered.slice(end + 1)
        return parseJson(line) as unknown as WatchEvent
      }
      const chunk = await withTimeout(this.chunks.next())
      if (chunk.done) return undefined
      this.buffered += this.decoder.decode(chunk.value, { stream: true })
    }
  }

  /** Reads until an event pleases; returns all that were read, that one last. */
  async until(pleases: (event: WatchEvent) => boolean): Promise<readonly WatchEvent[]> {
    const events: WatchEvent[] = []
    for (;;) {
      const event = await this.next()
      if (event === undefined) throw new Error(`the watch ended after ${JSON.stringify(events)}`)
      events.push(event)
      if (pleases(event)) return events
    }
  }

  /** As many events as asked for, as `TYPE name` lines: what most rows compare. */
  async take(count: number): Promise<readonly string[]> {
    const lines: string[] = []
    while (lines.length < count) {
      const event = await this.next()
      if (event === undefined) throw new Error(`the watch ended after ${lines.join(', ')}`)
      lines.push(describeEvent(event))
    }
    return lines
  }

  /** All events until the server ends the watch, as `TYPE name` lines. */
  async rest(): Promise<readonly string[]> {
    const lines: string[] = []
    for (let event = await this.next(); event !== undefined; event = await this.next()) lines.push(describeEvent(event))
    return lines
  }

  close(): void {
    this.controller.abort(new Error('the row has closed its watch'))
  }
}

function describeEvent(event: WatchEvent): string {
  const object = event.object as { readonly metadata?: { readonly name?: string } }
  return `${event.type} ${object.metadata?.name ?? ''}`.trim()
}

async function withTimeout<Value>(promise: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no watch event in ${eventTimeoutMs} ms`)), eventTimeoutMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt } from '@flotilla/core/json/read-json'
import {
  type HubRequest,
  type HubResponse,
  type HubTransport,
  HubUnreachable,
  type MessageSocket,
} from '@flotilla/core/ports/hub-transport'
import { readJws } from '@flotilla/core/protocol/jws'

/** What stands between an agent and its hub, and may do with their words what it likes: it has no keys of either. */
export class TamperingHub implements HubTransport {
  readonly #hub: HubTransport
  /** Every document that went past, as signed, by kind. */
  readonly seen = new Map<string, string[]>()
  /** Put before the documents of the next answers. */
  readonly replayed: string[] = []
  /** Put among the Grants of the next answers. */
  readonly replayedGrants: string[] = []
  /** Answers to these questions wait until it resolves, and are then given or lost. */
  hold: { readonly match: RegExp; readonly until: Promise<void>; readonly lost?: true } | undefined
  /** What becomes of a Bundle on its way. */
  bundle: (bytes: Uint8Array) => Uint8Array = bytes => bytes
  bundlesAsked = 0
  /** Answers bring Grants alone: what they name is lost. */
  withoutDocuments = false
  readonly #released = Promise.withResolvers<void>()
  /** Frames of the hub that are lost. */
  loses: (kind: string) => boolean = () => false
  /** Documents of the hub that are lost, in whatever they come. */
  losesDocuments: (typ: string) => boolean = () => false

  constructor(hub: HubTransport) {
    this.#hub = hub
  }

  async request(request: HubRequest): Promise<HubResponse> {
    const { path } = request
    const { hold } = this
    const response = this.#told(path, await this.#hub.request(request))
    if (hold?.match.test(path)) {
      await Promise.race([hold.until, this.#released.promise])
      if (hold.lost) throw new HubUnreachable('lost on its way')
    }
    return response
  }

  #told(path: string, response: HubResponse): HubResponse {
    if (path.startsWith('/agent/v1/bundles/')) {
      this.bundlesAsked++
      return response.status === 200 ? { ...response, body: this.bundle(response.body) } : response
    }
    return path.startsWith('/agent/v1/documents') && response.status === 200 ? this.#documents(response) : response
  }

  async connect(path: string, headers: Readonly<Record<string, string>>): Promise<MessageSocket> {
    const socket = await this.#hub.connect(path, headers)
    return {
      send: text => socket.send(text),
      get bufferedBytes() {
        return socket.bufferedBytes
      },
      onMessage: listener =>
        socket.onMessage(text => {
          const frame = parseJson(text)
          const kind = isJsonObject(frame) ? String(frame['kind']) : ''
          if (kind === 'grants') for (const jws of listAt(frame, 'grants')) this.#note(String(jws))
          if (!this.loses(kind)) listener(this.#pushed(frame, text))
        }),
      onClose: listener => socket.onClose(listener),
      close: (code, reason) => socket.close(code, reason),
    }
  }

  /** A calendar may come with the push itself. */
  #pushed(frame: Json, text: string): string {
    if (!isJsonObject(frame) || frame['kind'] !== 'changed' || frame['calendar'] === undefined) return text
    if (!this.losesDocuments('calendar')) {
      this.#note(String(frame['calendar']))
      return text
    }
    const { calendar: _, ...rest } = frame
    return JSON.stringify(rest)
  }

  /** Nothing is held any longer, whatever became of the test. */
  release(): void {
    this.#released.resolve()
  }

  close(): Promise<void> {
    this.release()
    return this.#hub.close()
  }

  /** The documents of a kind that went past, oldest first. */
  of(typ: string): readonly string[] {
    return this.seen.get(typ) ?? []
  }

  #documents(response: HubResponse): HubResponse {
    const answer = parseJson(Buffer.from(response.body).toString('utf8')) as JsonObject
    const documents = (listAt(answer, 'documents') as readonly string[]).filter(jws => {
      const read = readJws(jws)
      return read.kind === 'refused' || !this.losesDocuments(read.typ)
    })
    const grants = listAt(answer, 'grants') as readonly string[]
    for (const jws of [...documents, ...grants]) this.#note(jws)
    const lost = this.withoutDocuments ? { upTo: '0.0', more: false } : {}
    const told = {
      ...answer,
      ...lost,
      documents: this.withoutDocuments ? [] : [...this.replayed, ...documents],
      grants: [...this.replayedGrants, ...grants],
    }
    return { ...response, body: Buffer.from(JSON.stringify(told)) }
  }

  #note(jws: string): void {
    const read = readJws(jws)
    if (read.kind === 'refused') return
    const list = this.seen.get(read.typ) ?? []
    if (!list.includes(jws)) this.seen.set(read.typ, [...list, jws])
  }
}

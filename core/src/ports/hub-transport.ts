/** What an agent uses to reach its hub: TLS sockets in production, direct calls in simulation. */
export interface HubTransport {
  /** @throws HubUnreachable when no response came. */
  request(request: HubRequest): Promise<HubResponse>
  /** Opens the WebSocket; resolves when it stands. @throws HubUnreachable, or HubRefused with the HTTP status. */
  connect(path: string, headers: Readonly<Record<string, string>>): Promise<MessageSocket>
  /**
   * A request whose body, answer or both are read while they come. Takes as long as it takes: the caller ends it by its
   * signal. Where it is missing, this way to a hub carries no streams. @throws HubUnreachable
   */
  stream?(request: HubStreamRequest): Promise<HubStreamResponse>
  close(): Promise<void>
}

export interface HubStreamRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Read as fast as the other side takes it; ended early when that has answered. */
  readonly body?: AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal
}

export interface HubStreamResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Read once; throws HubUnreachable when it breaks off. Ending early ends the request. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface HubRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Path with query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
}

export interface HubResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Bounded by the transport; inflated if it came compressed. */
  readonly body: Uint8Array
}

/** One ordered, bidirectional stream of text messages; the same shape on both ends. */
export interface MessageSocket {
  send(text: string): void
  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly bufferedBytes: number
  onMessage(listener: (text: string) => void): void
  /** Called once, also when `close` was ours. */
  onClose(listener: (reason: { readonly code: number; readonly reason: string }) => void): void
  close(code?: number, reason?: string): void
  /** Whether more messages are wanted now. Where it is missing they come whenever they come. */
  reading?(wanted: boolean): void
}

export class HubUnreachable extends Error {
  readonly code = 'HUB_UNREACHABLE'
  readonly retry = true
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'HubUnreachable'
  }
}

/** The hub answered a connect with something other than an upgrade. */
export class HubRefused extends Error {
  readonly code = 'HUB_REFUSED'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  constructor(status: number, headers: Readonly<Record<string, string>>, message: string) {
    super(message)
    this.name = 'HubRefused'
    this.status = status
    this.headers = headers
  }
}

/**
 * What an agent keeps between restarts: key pair, documents as signed, Bundles, the floor of hub time. Two forms: a
 * data folder, or Secrets in the agent's own namespace. Each put is atomic and durable once its promise resolves.
 */
export interface AgentState {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array): Promise<void>
  /** Stores only where nothing is stored yet; returns what is there afterwards (ours, or the earlier one). */
  putIfAbsent(key: string, value: Uint8Array): Promise<Uint8Array>
  delete(key: string): Promise<void>
  /** Keys that begin with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>
  close(): Promise<void>
}

export class AgentStateError extends Error {
  readonly code: 'STATE_FULL' | 'STATE_CORRUPT' | 'STATE_UNAVAILABLE'
  readonly subject: string
  readonly retry: boolean
  constructor(
    code: AgentStateError['code'],
    subject: string,
    message: string,
    options: { retry: boolean; cause?: unknown },
  ) {
    super(`${subject}: ${message} (${code})`, { cause: options.cause })
    this.name = 'AgentStateError'
    this.code = code
    this.subject = subject
    this.retry = options.retry
  }
}

import type { IncomingMessage } from 'node:http'

/** From here on the connection is read no further until somebody has taken what is there. */
const MOST_WAITING_BYTES = 256 * 1024

/**
 * The body of a response as it comes. Ending early closes its connection. Node's own iterator over a stream takes
 * longer for a small answer than all the rest of the request.
 *
 * @param translate What is thrown for a connection that is cut, or a request that is given up.
 */
export function readResponse(response: IncomingMessage, translate: (error: Error) => Error): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => new ResponseReader(response, translate) }
}

class ResponseReader implements AsyncIterator<Uint8Array> {
  readonly #response: IncomingMessage
  readonly #translate: (error: Error) => Error
  #chunks: Uint8Array[] = []
  #waitingBytes = 0
  #ended = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(response: IncomingMessage, translate: (error: Error) => Error) {
    this.#response = response
    this.#translate = translate
    response.on('data', (chunk: Uint8Array) => {
      this.#chunks.push(chunk)
      this.#waitingBytes += chunk.byteLength
      if (this.#waitingBytes > MOST_WAITING_BYTES) response.pause()
      this.#wake?.()
    })
    response.once('end', () => {
      this.#ended = true
      this.#wake?.()
    })
    response.on('error', error => this.#fail(error))
    response.once('close', () => {
      if (!this.#ended) this.#fail(new Error('the connection was closed before the end of the answer'))
    })
    if (response.destroyed && !response.readableEnded) {
      this.#fail(response.errored ?? new Error('the connection was closed before the end of the answer'))
    }
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) {
        this.#waitingBytes -= chunk.byteLength
        if (this.#chunks.length === 0 && this.#response.isPaused()) this.#response.resume()
        return { done: false, value: chunk }
      }
      if (this.#failure) throw this.#failure
      if (this.#ended) return { done: true, value: undefined }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#response.destroy()
    return { done: true, value: undefined }
  }

  #fail(error: Error): void {
    this.#failure ??= this.#translate(error)
    this.#wake?.()
  }
}

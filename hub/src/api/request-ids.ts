import type { Random } from '@flotilla/core/ports/random'

const GIVEN = /^[A-Za-z0-9._-]{1,64}$/
const ID_BYTES = 12
/** Drawn together: each draw costs as much as many ids. */
const IDS_AT_ONCE = 256

/** Names of requests: the one that comes with it, or one of ours that nobody can guess. */
export class RequestIds {
  readonly #random: Random
  #drawn: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(random: Random) {
    this.#random = random
  }

  of(given: string | readonly string[] | undefined): string {
    if (typeof given === 'string' && GIVEN.test(given)) return given
    if (this.#at >= this.#drawn.length) {
      this.#drawn = Buffer.from(this.#random.bytes(ID_BYTES * IDS_AT_ONCE))
      this.#at = 0
    }
    this.#at += ID_BYTES
    return this.#drawn.toString('base64url', this.#at - ID_BYTES, this.#at)
  }
}

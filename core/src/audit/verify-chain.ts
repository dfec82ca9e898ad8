import type { Digest } from '../json/canonical-json.ts'
import { isJsonObject, type Json } from '../json/json.ts'
import { parseJson } from '../json/parse-json.ts'
import { type AuditEntry, CHAIN_START, EMPTY_HEAD, hashOfEntry } from './audit-entry.ts'

/** What is wrong with a chain, and where it was noticed. */
export interface ChainMistake {
  readonly kind: 'unreadable' | 'edited' | 'missing' | 'order' | 'spliced' | 'head' | 'empty'
  /** Line of the file, from 1; the last one for what is missing at the end. */
  readonly line: number
  readonly sequence?: number
  readonly message: string
}

export interface ChainReport {
  readonly intact: boolean
  readonly entries: number
  readonly first?: { readonly sequence: number; readonly at: number }
  /** The last one: what may be compared with a head that was kept elsewhere. */
  readonly last?: { readonly sequence: number; readonly at: number; readonly hash: Digest }
  readonly mistakes: readonly ChainMistake[]
}

export interface ChainExpectation {
  /** Hash of the entry before the first line; the beginning of the log when absent. `any`: nothing is said of before. */
  readonly after?: Digest | 'any'
  /** Hash that must occur: with it nothing can have been cut from the end up to there. */
  readonly head?: Digest
}

/** After so many, the rest is of no use to anybody. */
const MOST_MISTAKES = 100

/**
 * Goes through an export, a line for each entry, and says whether it is what the hub wrote: nothing edited, taken out,
 * put in or exchanged. What was cut off the end is known only with a `head` that was kept elsewhere.
 *
 * A line at a time, so that a log of any length fits. Feed every line, then ask for the report.
 *
 * @example
 * const chain = new ChainVerifier({})
 * chain.report().mistakes[0].kind // => 'empty'
 */
export class ChainVerifier {
  readonly #expected: ChainExpectation
  readonly #mistakes: ChainMistake[] = []
  #first: ChainReport['first']
  #last: ChainReport['last']
  #expectedNext: { readonly sequence: number; readonly previous: Digest } | undefined
  #lines = 0
  #entries = 0
  #headSeen = false

  constructor(expected: ChainExpectation) {
    this.#expected = expected
    if (expected.after === undefined) this.#expectedNext = { sequence: EMPTY_HEAD.sequence + 1, previous: CHAIN_START }
  }

  /** The next line; blank ones are nothing. */
  take(text: string): void {
    this.#lines += 1
    if (text.trim() === '') return
    const entry = readEntry(text)
    if (typeof entry === 'string') {
      this.#mistake('unreadable', undefined, entry)
      // Whatever stood here, the next one cannot be expected to follow what is known.
      this.#expectedNext = undefined
      return
    }
    this.#entries += 1
    this.#first ??= { sequence: entry.sequence, at: entry.at }
    if (hashOfEntry(entry) !== entry.hash) {
      this.#mistake('edited', entry.sequence, 'its content is not what its hash was made of')
    }
    this.#checkPlace(entry)
    this.#last = { sequence: entry.sequence, at: entry.at, hash: entry.hash }
    this.#expectedNext = { sequence: entry.sequence + 1, previous: entry.hash }
    if (entry.hash === this.#expected.head || entry.previous === this.#expected.head) this.#headSeen = true
  }

  report(): ChainReport {
    const mistakes = [...this.#mistakes]
    const line = this.#lines
    if (this.#entries === 0 && mistakes.length === 0) {
      mistakes.push({ kind: 'empty', line, message: 'there is no entry' })
    }
    if (this.#expected.head !== undefined && !this.#headSeen) {
      const message = `no entry has the hash ${this.#expected.head}: what was written up to it is not all here`
      mistakes.push({ kind: 'head', line, message })
    }
    return {
      intact: mistakes.length === 0,
      entries: this.#entries,
      ...(this.#first !== undefined && { first: this.#first }),
      ...(this.#last !== undefined && { last: this.#last }),
      mistakes,
    }
  }

  #checkPlace({ sequence, previous }: AuditEntry): void {
    const { after } = this.#expected
    if (this.#entries === 1 && after !== undefined && after !== 'any' && previous !== after) {
      this.#mistake('missing', sequence, `it does not follow the entry with the hash ${after}`)
    }
    const expected = this.#expectedNext
    if (expected === undefined) return
    if (sequence > expected.sequence) {
      const count = sequence - expected.sequence
      const which =
        count === 1 ? `entry ${expected.sequence} is` : `entries ${expected.sequence} to ${sequence - 1} are`
      this.#mistake('missing', sequence, `before it ${which} missing`)
    } else if (sequence < expected.sequence) {
      this.#mistake('order', sequence, `it stands after entry ${expected.sequence - 1}`)
    } else if (previous !== expected.previous) {
      this.#mistake('spliced', sequence, 'it does not follow the entry that stands before it')
    }
  }

  #mistake(kind: ChainMistake['kind'], sequence: number | undefined, message: string): void {
    if (this.#mistakes.length >= MOST_MISTAKES) return
    this.#mistakes.push({ kind, line: this.#lines, ...(sequence !== undefined && { sequence }), message })
  }
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** The entry of a line, or what is wrong with it. */
function readEntry(text: string): AuditEntry | string {
  let value: Json
  try {
    value = parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return 'it is no JSON: it was cut, or it is another file'
    throw error
  }
  if (!isJsonObject(value)) return 'it is no entry of an audit log'
  const { sequence, at, previous, hash } = value
  if (!Number.isSafeInteger(sequence) || typeof at !== 'number') return 'it has no number or no time'
  if (!isDigest(previous) || !isDigest(hash)) return 'it has no hash of its own or of the entry before'
  return value as unknown as AuditEntry
}

function isDigest(value: Json | undefined): value is Digest {
  return typeof value === 'string' && DIGEST.test(value)
}

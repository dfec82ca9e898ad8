import type { ObjectId } from '@flotilla/core/ports/git'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { BoundedMemo } from '../source/bounded-memo.ts'

/** Why a revision is not taken; all of it is for people. */
export interface IntegrityProblem {
  readonly code: 'SIGNATURE_MISSING' | 'SIGNATURE_REFUSED' | 'SIGNATURE_UNCHECKED'
  readonly message: string
}

export type Judged =
  | {
      readonly kind: 'good'
      readonly goodUntil: EpochMs
      readonly parents: readonly ObjectId[]
      readonly seal: boolean
    }
  /** Whoever asks with the same keys shares what was found; whose policy it is they do not learn from each other. */
  | { readonly kind: 'refused'; readonly lasting: boolean; problemFor(asker: string): IntegrityProblem }

/** Room for each commit of a history as long as one look may check (20,000), and some. */
const JUDGED_BYTES = 8 * 1024 * 1024
const HISTORY_BYTES = 1024 * 1024
const MOST_KEY_SETS = 2_000
/** Of the id, its place in the map, and what stands around a verdict. */
const ENTRY_BYTES = 220
const PARENT_BYTES = 64
const REFUSAL_BYTES = 400

/**
 * What was found of commits, by commit and keys, in a few megabytes: the least recently used goes first, and is looked
 * at again when somebody asks.
 */
export class JudgedCommits {
  readonly #judged: BoundedMemo<Judged>
  /** Commits whose whole history was found good, and until when that holds. */
  readonly #histories: BoundedMemo<EpochMs>
  /** Short names of sets of keys: each commit would carry the digest otherwise. */
  readonly #names = new BoundedMemo<string>(MOST_KEY_SETS, () => 1)
  #named = 0

  constructor(judgedBytes = JUDGED_BYTES) {
    this.#judged = new BoundedMemo(judgedBytes, bytesOf)
    this.#histories = new BoundedMemo(HISTORY_BYTES, () => ENTRY_BYTES)
  }

  /** @param digest Of everything that an answer about a commit depends on besides the commit. */
  nameOf(digest: string): string {
    const known = this.#names.get(digest)
    if (known !== undefined) return known
    this.#named += 1
    const name = this.#named.toString(36)
    this.#names.set(digest, name)
    return name
  }

  verdict(commit: ObjectId, keys: string): Judged | undefined {
    return this.#judged.get(`${commit} ${keys}`)
  }

  keep(commit: ObjectId, keys: string, judged: Judged): void {
    this.#judged.set(`${commit} ${keys}`, judged)
  }

  historyGoodUntil(commit: ObjectId, keys: string): EpochMs | undefined {
    return this.#histories.get(`${commit} ${keys}`)
  }

  keepHistory(commit: ObjectId, keys: string, goodUntil: EpochMs): void {
    this.#histories.set(`${commit} ${keys}`, goodUntil)
  }
}

function bytesOf(judged: Judged): number {
  if (judged.kind === 'good') return ENTRY_BYTES + judged.parents.length * PARENT_BYTES
  return ENTRY_BYTES + REFUSAL_BYTES + 2 * judged.problemFor('').message.length
}

/** The same text by itself: a part of a longer one keeps all of that in memory for as long as itself is kept. */
export function byItself(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

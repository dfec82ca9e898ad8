import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { HiddenNumbers } from './hidden-numbers.ts'

/** What the fleet view tells of: one kind for each list of the API. */
export const CHANGE_KINDS = ['applications', 'applicationsets', 'clusters', 'sources', 'activity'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

export interface Told {
  readonly kind: ChangeKind
  readonly action: 'put' | 'delete'
  readonly name: string
  readonly object: unknown
  /** Of an Application: what it was. Who could see that and not what it is now is told that it is gone. */
  readonly before?: ApplicationView
}

/** Ids that are kept to be sent to many. */
const MOST_IDS = 1_000

export class Change {
  readonly number: number
  readonly kind: ChangeKind
  readonly action: 'put' | 'delete'
  readonly name: string
  readonly object: unknown
  readonly before: ApplicationView | undefined
  #text: string | undefined

  constructor(number: number, { kind, action, name, object, before }: Told) {
    this.number = number
    this.kind = kind
    this.action = action
    this.name = name
    this.object = object
    this.before = before
  }

  /**
   * The object's data as JSON text, made when the first watcher asks and once however many watch: ten thousand changes
   * that nobody watches would be fifteen megabytes of it. Canonical, because provenance may carry integers that
   * JSON.stringify refuses.
   */
  get text(): string {
    this.#text ??= canonicalJson(this.object as Json)
    return this.#text
  }
}

/**
 * The last changes, numbered. It is the only buffer of all watchers: each remembers where it is, and one that falls
 * behind the oldest change that is kept has to begin anew.
 */
export class ChangeLog {
  readonly #numbers: HiddenNumbers
  readonly #ids = new Map<number, string>()
  private readonly keep: number
  private readonly kept: Change[] = []
  private readonly listeners = new Set<() => void>()
  /** The number of the newest change; 0 before the first. */
  newest = 0

  /** @param run Names this process's numbering, and is a secret of it: numbers of another run mean nothing here. */
  constructor(run: string, keep = 10_000) {
    this.#numbers = new HiddenNumbers(`watch ids ${run}`)
    this.keep = keep
  }

  append(changes: readonly Told[]): void {
    if (changes.length === 0) return
    for (const change of changes) {
      this.newest += 1
      this.kept.push(new Change(this.newest, change))
    }
    // In steps, so that a busy log does not move all of itself at each change.
    if (this.kept.length > this.keep * 2) this.kept.splice(0, this.kept.length - this.keep)
    for (const listener of this.listeners) listener()
  }

  /**
   * What a watcher hands back to go on after that change. It says nothing: the numbers themselves would tell how much
   * happens that one may not see.
   */
  idOf(number: number): string {
    const kept = this.#ids.get(number)
    if (kept !== undefined) return kept
    const id = this.#numbers.hide(number)
    // Of the newest ones: all watchers are sent the same.
    if (this.#ids.size >= MOST_IDS) this.#ids.clear()
    this.#ids.set(number, id)
    return id
  }

  /** The number in an id of this run; undefined for an id of another one, or for none at all. */
  numberOf(id: string): number | undefined {
    const number = this.#numbers.find(id)
    return number !== undefined && number <= this.newest ? number : undefined
  }

  /** Whether everything after that number is still here. */
  holdsAfter(number: number): boolean {
    return number >= (this.kept[0]?.number ?? this.newest + 1) - 1
  }

  /** The change after that number; undefined at the end. */
  after(number: number): Change | undefined {
    const first = this.kept[0]
    return first === undefined ? undefined : this.kept[number + 1 - first.number]
  }

  /** Calls `listener` after each batch of changes; returns how to stop. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}

import type { Json, JsonObject } from '../../json/json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'

/** How many entries of lists one question may look at: a rule goes through lists of lists, but not for minutes. */
export const MOST_ENTRIES = 100_000
/** How much one question may cost besides: a test, a field of a message, or some characters or keys that are gone through. */
export const MOST_STEPS = 2_000_000

/** Comparing texts is quick, but not free. */
const CHARACTERS_PER_STEP = 16

/** One question to a rule. */
export interface Question {
  readonly object: KubernetesObject
  /** Milliseconds since 1970, where somebody knows. */
  readonly now: number | undefined
  /** Entries that may still be looked at. */
  entriesLeft: number
  /** Of {@link MOST_STEPS}. */
  stepsLeft: number
}

/** The question went on for longer than it may. */
export class RuleTooLong extends Error {}

/** What a test or a message sees: the object, and the entry and the condition that it is about. */
export class Scope {
  readonly question: Question
  /** What the list of the entry was found in. */
  readonly outer: Scope | undefined
  /** How many entries deep. */
  readonly level: number
  readonly entry: Json | undefined
  /** The entry's place in its list, from 1. */
  readonly index: number
  readonly condition: JsonObject | undefined
  readonly #known: Map<string, Json | undefined>

  private constructor(
    question: Question,
    outer: Scope | undefined,
    entry: Json | undefined,
    index: number,
    condition: JsonObject | undefined,
    known: Map<string, Json | undefined> | undefined,
  ) {
    this.question = question
    this.outer = outer
    this.level = outer === undefined ? 0 : outer.level + 1
    this.entry = entry
    this.index = index
    this.condition = condition
    this.#known = known ?? new Map()
  }

  static of(object: KubernetesObject, now: number | undefined): Scope {
    return new Scope(
      { object, now, entriesLeft: MOST_ENTRIES, stepsLeft: MOST_STEPS },
      undefined,
      undefined,
      0,
      undefined,
      undefined,
    )
  }

  about(entry: Json, index: number): Scope {
    return new Scope(this.question, this, entry, index, undefined, undefined)
  }

  /** Goes through these. @throws RuleTooLong */
  through(entries: readonly Json[]): readonly Json[] {
    this.question.entriesLeft -= entries.length
    if (this.question.entriesLeft < 0) throw new RuleTooLong(`the rule looks at more than ${MOST_ENTRIES} entries`)
    return entries
  }

  /** Does something that costs so much. @throws RuleTooLong */
  step(cost: number): void {
    this.question.stepsLeft -= cost
    if (this.question.stepsLeft < 0) throw new RuleTooLong(`the rule takes more than ${MOST_STEPS} steps`)
  }

  /** Goes through so many characters. @throws RuleTooLong */
  stepThrough(characters: number): void {
    this.step(characters / CHARACTERS_PER_STEP)
  }

  found(condition: JsonObject): Scope {
    return new Scope(this.question, this.outer, this.entry, this.index, condition, this.#known)
  }

  /** A value that is worked out once for each entry of its level. */
  value(level: number, name: string, workOut: (scope: Scope) => Json | undefined): Json | undefined {
    let scope: Scope = this
    while (scope.level > level && scope.outer !== undefined) scope = scope.outer
    const known = scope.#known
    if (known.has(name)) return known.get(name)
    const value = workOut(scope)
    known.set(name, value)
    return value
  }
}

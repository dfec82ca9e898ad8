import type { Json } from '../../json/json.ts'
import type { HealthStatus } from '../../model/status.ts'

/**
 * Where something is. Names of fields from the object's top; before them `entry` for the entry that is being looked at,
 * `condition` for the condition that the line found, or `$name` for one of the rule's values. In the path of several
 * entries `*` is each of them: `status.ingress.*.conditions`.
 */
export type Path = readonly string[]

/** A condition to look for; what is left out may be anything. Several texts: any of them. */
export interface ConditionTest {
  readonly kind: 'condition'
  readonly types?: readonly string[]
  readonly notTypes?: readonly string[]
  readonly statuses?: readonly string[]
  readonly notStatuses?: readonly string[]
  readonly reasons?: readonly string[]
  readonly notReasons?: readonly string[]
  readonly messages?: readonly string[]
  readonly severities?: readonly string[]
  readonly notSeverities?: readonly string[]
  /** Only conditions that speak of the object's present generation, where both say one. */
  readonly current?: boolean
  /** Where the list is; `status.conditions` when it is not said. */
  readonly at?: Path
}

/** What a line of a rule asks. It looks at the whole object, so that the order of conditions never matters. */
export type Test =
  | ConditionTest
  | { readonly kind: 'equals'; readonly at: Path; readonly oneOf: readonly Json[] }
  /** It is there and not null. */
  | { readonly kind: 'present'; readonly at: Path }
  /** A text, list or object with something in it. */
  | { readonly kind: 'filled'; readonly at: Path }
  | { readonly kind: 'starts'; readonly at: Path; readonly prefix: string }
  /** A number, or a text that is one. */
  | { readonly kind: 'number'; readonly at: Path }
  /** Two numbers, or texts that are one; a missing one is 0, and what is no number compares with nothing. */
  | { readonly kind: 'compare'; readonly at: Path; readonly operator: '<' | '=' | '>'; readonly to: Path | number }
  /** Both read the same as text; what is absent, and a list or an object, reads as nothing. */
  | { readonly kind: 'same'; readonly at: Path; readonly to: Path }
  /** Both are times, in UTC as Kubernetes writes them, and the first is before the second. */
  | { readonly kind: 'earlier'; readonly at: Path; readonly than: Path }
  /** A time that is less than so many seconds ago. Never, when nobody says what time it is. */
  | { readonly kind: 'recent'; readonly at: Path; readonly seconds: number }
  /** `status.observedGeneration` (or the path) and `metadata.generation` differ; `orMissing`: or the first is missing. */
  | { readonly kind: 'stale'; readonly at: Path; readonly orMissing?: boolean }
  /** Holds for an entry of a list, or for a value of an object; that entry is the line's `entry`. */
  | { readonly kind: 'some'; readonly of: Path; readonly where: Test }
  | { readonly kind: 'all'; readonly of: readonly Test[] }
  | { readonly kind: 'any'; readonly of: readonly Test[] }
  | { readonly kind: 'not'; readonly test: Test }

/**
 * A verdict's message: text with `{path}` for a field of the object, `{condition.message}` for the condition and
 * `{entry.name}` for the entry that the line found, `{$name}` for one of the rule's values, `{Ready.message}` (a capital
 * letter) for the condition of that type, `{kind}`, `{name}`, and `{index}`, the entry's place in its list from 1;
 * `{a|b|'text'}` is the first of them that is there.
 */
export type Message = string

/** Something that a rule works out of the object, once, when the first line asks for it. Its name is `$` and its key. */
export type Value =
  /** The first that is there and no empty text. */
  | { readonly kind: 'first'; readonly of: readonly Path[]; readonly otherwise?: Json }
  /** The text of the first test that holds. */
  | {
      readonly kind: 'choose'
      readonly lines: readonly (readonly [when: Test, text: Message])[]
      readonly otherwise: Message
    }
  /** How many entries there are, or for how many it holds. */
  | { readonly kind: 'count'; readonly of: Path; readonly where?: Test }
  /** The sum of the numbers at a path with `*` in it. */
  | { readonly kind: 'sum'; readonly of: Path }
  | { readonly kind: 'difference'; readonly at: Path; readonly minus: Path | number }
  /** The first entry, or the first for which it holds; `last`: the last. */
  | { readonly kind: 'find'; readonly of: Path; readonly where?: Test; readonly last?: boolean }
  /** A text for each entry, with `separator` between them. */
  | {
      readonly kind: 'join'
      readonly of: Path
      readonly where?: Test
      /** The first entry for which it holds is the last that is read. */
      readonly through?: Test
      /** Worked out for each entry. */
      readonly values?: Values
      readonly each: Message
      readonly separator: string
    }
  /** Several texts, the empty ones left out, with `separator` between them. */
  | { readonly kind: 'texts'; readonly of: readonly Message[]; readonly separator: string }
  /** What stands between two separators of a text, from 0. */
  | { readonly kind: 'part'; readonly at: Path; readonly separator: string; readonly index: number }
  /** The first characters of a text. */
  | { readonly kind: 'start'; readonly at: Path; readonly length: number }

/** By name; one may use those before it. */
export type Values = { readonly [name: string]: Value }

export type Line = readonly [when: Test, status: HealthStatus, message?: Message]

/** A rule as data: the first line that holds decides. */
export interface DataRule {
  readonly values?: Values
  readonly lines: readonly Line[]
  readonly otherwise: readonly [status: HealthStatus, message?: Message]
}

/** Of `{a|b|'text'}` what is between the braces. */
export const PLACEHOLDER = /\{([^{}]+)\}/

/** Where conditions are when nothing else is said. */
export const CONDITIONS: Path = ['status', 'conditions']

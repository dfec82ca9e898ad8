import type { Json } from '../../json/json.ts'
import type { HealthStatus } from '../../model/status.ts'
import type { ConditionTest, DataRule, Line, Message, Path, Test, Values } from '../data/data-rule.ts'

/**
 * The words that shipped rules are written in: each makes a piece of data (see data-rule.ts), nothing is looked at
 * before a rule is asked about an object. Those for a rule's values are in value-parts.ts.
 */

/** A rule and the kinds it is for: `group/Kind`, either part with `*` for any text. */
export interface ShippedRule {
  readonly kinds: readonly string[]
  readonly data: DataRule
}

export const MESSAGE: Message = '{condition.message}'
export const REASON: Message = '{condition.reason}'

export type Texts = string | readonly string[]

function listOf(texts: Texts): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}

/** A path; a list where a name has a dot in it. */
export function pathOf(path: string | Path): Path {
  return typeof path === 'string' ? path.split('.') : path
}

/** A rule as data. `otherwise` a text: Progressing with this message. */
export function rule(
  kinds: Texts,
  lines: readonly Line[],
  otherwise: string | readonly [HealthStatus, Message?],
  values?: Values,
): ShippedRule {
  const verdict = typeof otherwise === 'string' ? (['Progressing', otherwise] as const) : otherwise
  return { kinds: listOf(kinds), data: { ...(values && { values }), lines, otherwise: verdict } }
}

/** The kinds of a group. */
export function kindsOf(group: string, ...kinds: readonly string[]): readonly string[] {
  return kinds.map(kind => `${group}/${kind}`)
}

export function condition(
  types: Texts,
  statuses?: Texts,
  more: Omit<ConditionTest, 'kind' | 'types' | 'statuses'> = {},
): Test {
  return { kind: 'condition', types: listOf(types), ...(statuses && { statuses: listOf(statuses) }), ...more }
}

/** Any condition, whatever its type. */
export function someCondition(more: Omit<ConditionTest, 'kind'>): Test {
  return { kind: 'condition', ...more }
}

export function equals(path: string | Path, ...oneOf: readonly Json[]): Test {
  return { kind: 'equals', at: pathOf(path), oneOf }
}

export function present(path: string | Path): Test {
  return { kind: 'present', at: pathOf(path) }
}

export function filled(path: string | Path): Test {
  return { kind: 'filled', at: pathOf(path) }
}

export function starts(path: string | Path, prefix: string): Test {
  return { kind: 'starts', at: pathOf(path), prefix }
}

/** A number, or a text that is one. */
export function number(path: string | Path): Test {
  return { kind: 'number', at: pathOf(path) }
}

/** `compare('status.ready', '<', 'spec.replicas')`: numbers, missing ones being 0. */
export function compare(path: string | Path, operator: '<' | '=' | '>', to: string | number): Test {
  return { kind: 'compare', at: pathOf(path), operator, to: typeof to === 'number' ? to : pathOf(to) }
}

/** Two fields that read the same. */
export function same(path: string | Path, to: string | Path): Test {
  return { kind: 'same', at: pathOf(path), to: pathOf(to) }
}

export function earlier(path: string, than: string): Test {
  return { kind: 'earlier', at: pathOf(path), than: pathOf(than) }
}

export function recent(path: string, seconds: number): Test {
  return { kind: 'recent', at: pathOf(path), seconds }
}

/** An entry of a list, or a value of an object, for which it holds: its fields are `entry.…`. */
export function some(path: string | Path, where: Test): Test {
  return { kind: 'some', of: pathOf(path), where }
}

/** It holds for each entry; also when there is none. */
export function every(path: string | Path, where: Test): Test {
  return not(some(path, not(where)))
}

export function all(...of: readonly Test[]): Test {
  return { kind: 'all', of }
}

export function any(...of: readonly Test[]): Test {
  return { kind: 'any', of }
}

export function not(test: Test): Test {
  return { kind: 'not', test }
}

/** The status says which generation it is about, and it is another one. */
export function stale(path = 'status.observedGeneration'): Test {
  return { kind: 'stale', at: pathOf(path) }
}

/** As {@link stale}, or the status does not say a generation. */
export function unobserved(path = 'status.observedGeneration'): Test {
  return { kind: 'stale', at: pathOf(path), orMissing: true }
}

/** A condition whose truth is good: False is Degraded, True is Healthy, each with the condition's message. */
export function goodWhenTrue(type: string, message: Message = MESSAGE): readonly Line[] {
  return [
    [condition(type, 'False'), 'Degraded', message],
    [condition(type, 'True'), 'Healthy', message],
  ]
}

/** Phases: a field's text decides. */
export function phases(path: string, table: { readonly [status in HealthStatus]?: Texts }, message: Message): Line[] {
  return Object.entries(table).map(([status, texts]) => [
    equals(path, ...listOf(texts)),
    status as HealthStatus,
    message,
  ])
}

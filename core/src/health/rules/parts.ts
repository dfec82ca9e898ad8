import type { Json } from '../../json/json.ts'
import type { HealthStatus } from '../../model/status.ts'
import {
  type ConditionTest,
  type DataRule,
  type Line,
  type Message,
  type Path,
  ruleOf,
  type Test,
} from '../data-rule.ts'
import type { HealthRule } from '../health-rule.ts'

/**
 * The words that shipped rules are written in: each makes a piece of data (see data-rule.ts), nothing is looked at
 * before a rule is asked about an object.
 */

/** A rule and the kinds it is for: `group/Kind`, either part with `*` for any text. */
export interface ShippedRule {
  readonly kinds: readonly string[]
  readonly assess: HealthRule
  /** What the rule was made of; absent where data cannot say it. */
  readonly data?: DataRule
}

export const MESSAGE: Message = '{condition.message}'
export const REASON: Message = '{condition.reason}'

type Texts = string | readonly string[]

function listOf(texts: Texts): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}

export function pathOf(path: string | Path): Path {
  return typeof path === 'string' ? path.split('.') : path
}

/** A rule as data. `otherwise` a text: Progressing with this message. */
export function rule(
  kinds: Texts,
  lines: readonly Line[],
  otherwise: string | readonly [HealthStatus, Message?],
): ShippedRule {
  const verdict = typeof otherwise === 'string' ? (['Progressing', otherwise] as const) : otherwise
  const data: DataRule = { lines, otherwise: verdict }
  return { kinds: listOf(kinds), assess: ruleOf(data), data }
}

/** A rule that data cannot say. */
export function coded(kinds: Texts, assess: HealthRule): ShippedRule {
  return { kinds: listOf(kinds), assess }
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
  return { kind: 'value', at: pathOf(path), oneOf }
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

/** `compare('status.ready', '<', 'spec.replicas')`: numbers, missing ones being 0. */
export function compare(path: string, operator: '<' | '=' | '>', to: string | number): Test {
  return { kind: 'compare', at: pathOf(path), operator, to: typeof to === 'number' ? to : pathOf(to) }
}

export function all(...of: readonly Test[]): Test {
  return { kind: 'count', atLeast: of.length, of }
}

export function any(...of: readonly Test[]): Test {
  return { kind: 'count', atLeast: 1, of }
}

export function not(test: Test): Test {
  return { kind: 'not', test }
}

/** The status says which generation it is about, and it is another one. */
export function stale(path = 'status.observedGeneration'): Test {
  return { kind: 'stale', at: pathOf(path), orMissing: false }
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

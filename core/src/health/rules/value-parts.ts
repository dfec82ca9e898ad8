import type { Json } from '../../json/json.ts'
import type { Message, Path, Test, Value, Values } from '../data/data-rule.ts'
import { pathOf } from './parts.ts'

/** The words for a rule's values (see data-rule.ts for what each of them works out). */

export function first(of: readonly (string | Path)[], otherwise?: Json): Value {
  return { kind: 'first', of: of.map(pathOf), ...(otherwise !== undefined && { otherwise }) }
}

export function choose(lines: readonly (readonly [Test, Message])[], otherwise: Message): Value {
  return { kind: 'choose', lines, otherwise }
}

export function count(path: string | Path, where?: Test): Value {
  return { kind: 'count', of: pathOf(path), ...(where && { where }) }
}

export function sum(path: string): Value {
  return { kind: 'sum', of: pathOf(path) }
}

export function difference(path: string, minus: string | number): Value {
  return { kind: 'difference', at: pathOf(path), minus: typeof minus === 'number' ? minus : pathOf(minus) }
}

export function find(path: string | Path, where?: Test): Value {
  return { kind: 'find', of: pathOf(path), ...(where && { where }) }
}

export function last(path: string | Path): Value {
  return { kind: 'find', of: pathOf(path), last: true }
}

/** A text for each entry; with a comma between them when nothing else is said. */
export function join(
  path: string | Path,
  each: Message,
  more: { readonly where?: Test; readonly through?: Test; readonly values?: Values; readonly separator?: string } = {},
): Value {
  return { kind: 'join', of: pathOf(path), each, separator: ', ', ...more }
}

export function texts(separator: string, ...of: readonly Message[]): Value {
  return { kind: 'texts', of, separator }
}

export function part(path: string, separator: string, index: number): Value {
  return { kind: 'part', at: pathOf(path), separator, index }
}

export function start(path: string, length: number): Value {
  return { kind: 'start', at: pathOf(path), length }
}

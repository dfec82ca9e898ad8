import { Buffer } from 'node:buffer'
import type { FunctionScope } from '../go-function.ts'
import { GoBytes, GoInteger, type GoMap, GoStruct, GoTime, type GoValue, isGoList } from '../go-value.ts'
import { rfc3339Text } from '../time/format-time.ts'
import { checkNesting } from './deep-equal.ts'
import { isNilContainer } from './items.ts'
import { readMap, sortedKeys } from './maps.ts'

/** Go's `json.Marshal` refuses a value. */
export class JsonEncodeError extends Error {
  override readonly name = 'JsonEncodeError'
}

export interface JsonStyle {
  /** Whether `<`, `>` and `&` are escaped. */
  readonly html: boolean
  /** One step of indentation; absent: all on one line. */
  readonly indent?: string
}

/** JSON as Go writes it: keys by their bytes, floats in their shortest form. @throws JsonEncodeError for NaN and infinities. */
export function encodeJson(value: GoValue, style: JsonStyle, scope: FunctionScope): string {
  return encode(value, style, scope, 0)
}

function encode(value: GoValue, style: JsonStyle, scope: FunctionScope, depth: number): string {
  checkNesting(depth)
  const text = scalar(value, style)
  if (text !== undefined) {
    scope.spend(text.length)
    return text
  }
  if (isGoList(value)) {
    return enclosed(
      '[]',
      value.map(item => encode(item, style, scope, depth + 1)),
      style,
      scope,
      depth,
    )
  }
  const map = (value instanceof GoStruct ? value.fields : value) as GoMap
  const colon = style.indent === undefined ? ':' : ': '
  return enclosed(
    '{}',
    sortedKeys(map, scope).map(
      key => `${quote(key, style)}${colon}${encode(readMap(map, key), style, scope, depth + 1)}`,
    ),
    style,
    scope,
    depth,
  )
}

/** Undefined for lists and maps. */
function scalar(value: GoValue, style: JsonStyle): string | undefined {
  if (value === null || value === undefined || isNilContainer(value)) return 'null'
  if (typeof value === 'string') return quote(value, style)
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return float(value)
  if (value instanceof GoInteger) return value.value.toString()
  if (value instanceof GoBytes) return `"${Buffer.from(value.bytes).toString('base64')}"`
  if (value instanceof GoTime) return `"${rfc3339Text(value)}"`
  // Versions write themselves as texts; certificates have fields.
  if (value instanceof GoStruct && Object.keys(value.fields).length === 0) return quote(value.text, style)
  return undefined
}

function float(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : JSON.stringify(value)
  throw new JsonEncodeError(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`)
}

function quote(text: string, style: JsonStyle): string {
  const quoted = JSON.stringify(text.toWellFormed()).replace(/[\u2028\u2029]/g, unicodeEscape)
  return style.html ? quoted.replace(/[<>&]/g, unicodeEscape) : quoted
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function enclosed(
  brackets: '[]' | '{}',
  members: readonly string[],
  { indent }: JsonStyle,
  scope: FunctionScope,
  depth: number,
): string {
  const [open, close] = brackets
  if (members.length === 0) return brackets
  if (indent === undefined) {
    scope.spend(members.length + 2)
    return `${open}${members.join(',')}${close}`
  }
  scope.spend((members.length + 1) * (indent.length * (depth + 1) + 2))
  const line = `\n${indent.repeat(depth + 1)}`
  return `${open}${line}${members.join(`,${line}`)}\n${indent.repeat(depth)}${close}`
}

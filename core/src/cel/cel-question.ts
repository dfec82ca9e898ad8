import { Environment, EvaluationError } from '@marcbachmann/cel-js'
import { getKey, type Json, type JsonObject } from '../json/json.ts'

const MAX_EXPRESSION = 4096
/** Each looks at every item of a list: one inside another would take the product of their lengths. */
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])
/** No pattern that can take for ever, and nothing that is not the same each time. */
const CALLS: ReadonlySet<string> = new Set([
  ...LOOPS,
  'bool',
  'contains',
  'double',
  'endsWith',
  'has',
  'int',
  'size',
  'startsWith',
  'string',
])
const MISSING: ReadonlySet<string> = new Set(['no_such_key', 'unknown_variable'])

/** Asks about values, by the names that the language was made with. @throws when it cannot be computed for them. */
export type CelQuestion = (variables: { readonly [name: string]: unknown }) => unknown

/** A reader of expressions that are true or false, over these variables. */
export interface CelLanguage {
  /** The question, or why it cannot be asked. */
  readonly read: (source: string) => CelQuestion | string
}

/** @param variables Types by name: `string`, `dyn`, `map<string, dyn>`. */
export function celLanguage(variables: { readonly [name: string]: string }): CelLanguage {
  const environment = new Environment({ limits: { maxAstNodes: 400, maxDepth: 40 } })
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type)
  return { read: source => questionOf(environment, source) }
}

/** Whether an expression failed because something is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof EvaluationError && MISSING.has(error.code)
}

export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
}

/** Whole numbers are integers there; objects are maps, so that no key is special. */
export function toCel(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(item => toCel(item as Json))
  const object = value as JsonObject
  return new Map(
    Object.keys(object).flatMap(key => {
      const member = getKey(object, key)
      return member === undefined ? [] : [[key, toCel(member)] as const]
    }),
  )
}

function questionOf(environment: Environment, source: string): CelQuestion | string {
  if (source.length > MAX_EXPRESSION) return `an expression may have ${MAX_EXPRESSION} characters`
  try {
    const parsed = environment.parse(source)
    const refused = refusal(parsed.ast, false)
    if (refused !== undefined) return refused
    const checked = parsed.check()
    if (!checked.valid) return firstLine(checked.error)
    if (checked.type !== 'bool' && checked.type !== 'dyn') return `an expression is true or false, not ${checked.type}`
    return variables => parsed(variables)
  } catch (error) {
    return firstLine(error)
  }
}

/** Why a part of the tree may not stand there. */
function refusal(node: unknown, inLoop: boolean): string | undefined {
  if (Array.isArray(node)) {
    for (const item of node as readonly unknown[]) {
      const found = refusal(item, inLoop)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (typeof node !== 'object' || node === null || !('op' in node) || !('args' in node)) return undefined
  const { op, args } = node
  if ((op !== 'call' && op !== 'rcall') || !Array.isArray(args)) return refusal(args, inLoop)
  const name = String((args as readonly unknown[])[0])
  if (!CALLS.has(name)) return `an expression may not call ${name}`
  const loops = LOOPS.has(name)
  if (loops && inLoop) return `${name} may not stand inside another such call`
  return refusal(args, inLoop || loops)
}

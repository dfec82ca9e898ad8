import { Environment, EvaluationError } from '@marcbachmann/cel-js'
import { getKey, type Json, type JsonObject } from '../../json/json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Health } from '../../model/status.ts'
import { conditionsOf } from '../conditions.ts'
import { type CustomHealthRule, health } from '../health-rule.ts'

/**
 * Expressions in the Common Expression Language, as Flux' `healthCheckExprs` have them: asked in this order, with the
 * object's fields as names. When none of them is true the object is still in progress.
 */
export interface CelExpressions {
  readonly inProgress?: string
  readonly failed?: string
  readonly current: string
}

const MAX_EXPRESSION = 4096
const FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'] as const
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

let environment: Environment | undefined

function language(): Environment {
  if (environment !== undefined) return environment
  environment = new Environment({ limits: { maxAstNodes: 400, maxDepth: 40 } })
  for (const name of FIELDS) {
    environment.registerVariable(name, name === 'apiVersion' || name === 'kind' ? 'string' : 'map<string, dyn>')
  }
  return environment
}

/** The rule, or the first mistake in one of its expressions. */
export function celHealthRule({ inProgress, failed, current }: CelExpressions): CustomHealthRule | string {
  const asked: (readonly ['Progressing' | 'Degraded' | 'Healthy', Question])[] = []
  for (const [status, source] of [
    ['Progressing', inProgress],
    ['Degraded', failed],
    ['Healthy', current],
  ] as const) {
    if (source === undefined) continue
    const question = questionOf(source)
    if (typeof question === 'string') return question
    asked.push([status, question])
  }
  return { assess: object => answer(asked, object) }
}

type Question = (variables: { readonly [name: string]: unknown }) => unknown

function answer(asked: readonly (readonly [Health['status'], Question])[], object: KubernetesObject): Health {
  const variables = Object.fromEntries(FIELDS.map(name => [name, toCel(getKey(object, name) ?? {})]))
  const ready = conditionsOf(object).find(({ type }) => type === 'Ready')
  const message = ready?.message
  for (const [status, question] of asked) {
    try {
      if (question(variables) === true) return health(status, message)
    } catch (error) {
      // What is not there yet is not true yet; anything else is a mistake of the rule.
      if (error instanceof EvaluationError && MISSING.has(error.code)) continue
      return health('Unknown', `CEL: ${firstLine(error)}`)
    }
  }
  return health('Progressing', message)
}

function questionOf(source: string): Question | string {
  if (source.length > MAX_EXPRESSION) return `an expression may have ${MAX_EXPRESSION} characters`
  try {
    const parsed = language().parse(source)
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

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
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

/** Whole numbers are integers there; objects are maps, so that no key is special. */
function toCel(value: Json): unknown {
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

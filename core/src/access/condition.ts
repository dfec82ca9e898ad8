import { Environment } from '@marcbachmann/cel-js'
import type { Ceiling } from '../protocol/documents.ts'
import type { AccessObject } from './object.ts'
import type { Principal } from './principal.ts'

/** What a condition may look at beside the object: the same for all rows of one question. */
export interface AccessContext {
  /** Milliseconds since the Unix epoch: `request.time` in conditions, which is a number of seconds there. */
  readonly now?: number
  /** The revision that is asked for, where one is. */
  readonly revision?: string
  /** What the Offer of an Application permits, where an agent asks about its objects. */
  readonly ceiling?: Ceiling
}

export type Condition = (principal: Principal, action: string, object: AccessObject, context: AccessContext) => boolean

export interface ConditionMistake {
  readonly message: string
}

export const MAX_CONDITION = 1000

/** Nothing that repeats a part of the expression, and no pattern of a language that can take for ever. */
const CALLS: ReadonlySet<string> = new Set(['startsWith', 'endsWith', 'contains', 'size', 'has', 'string', 'int'])
const VARIABLES = ['request', 'object', 'cluster', 'principal'] as const

let environment: Environment | undefined

function language(): Environment {
  if (environment !== undefined) return environment
  environment = new Environment({ limits: { maxAstNodes: 200, maxDepth: 20 } })
  for (const name of VARIABLES) environment.registerVariable(name, 'map<string, dyn>')
  return environment
}

/**
 * Reads a condition in the Common Expression Language: comparisons and logic over `request` (action, revision, time),
 * `object` (resource, project, namespace, name, labels), `cluster` (name, environment) and `principal` (name, groups).
 *
 * @example
 * compileCondition('cluster.environment != "prod"')
 */
export function compileCondition(source: string): Condition | ConditionMistake {
  if (source.length > MAX_CONDITION) return { message: `a condition may have ${MAX_CONDITION} characters` }
  try {
    const parsed = language().parse(source)
    const called = forbiddenCall(parsed.ast)
    if (called !== undefined) return { message: `a condition may not call ${called}` }
    const checked = parsed.check()
    if (!checked.valid) return { message: firstLine(checked.error) }
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return { message: `a condition is true or false, not ${checked.type}` }
    return (principal, action, object, context) => parsed(variables(principal, action, object, context)) === true
  } catch (error) {
    return { message: firstLine(error) }
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
}

function variables(principal: Principal, action: string, object: AccessObject, context: AccessContext) {
  const { resource, project = '', namespace = '', name, labels = {}, cluster = '', environment: stage = '' } = object
  const { now = 0, revision = '' } = context
  return {
    request: { action, revision, time: BigInt(Math.floor(now / 1000)) },
    object: { resource, project, namespace, name, labels },
    cluster: { name: cluster, environment: stage },
    principal: {
      name: principal.kind === 'person' || principal.kind === 'subject' ? principal.subject : '',
      groups: principal.kind === 'person' ? principal.groups : [],
    },
  }
}

function forbiddenCall(node: unknown): string | undefined {
  if (Array.isArray(node)) {
    for (const item of node as readonly unknown[]) {
      const found = forbiddenCall(item)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (typeof node !== 'object' || node === null || !('op' in node) || !('args' in node)) return undefined
  const { op, args } = node
  if ((op === 'call' || op === 'rcall') && Array.isArray(args)) {
    const name = String((args as readonly unknown[])[0])
    if (!CALLS.has(name)) return name
  }
  return forbiddenCall(args)
}

import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { type Path, type Problem, pathText } from '../problem.ts'
import { listOf, member } from './kind.ts'

const STRATEGY: Path = ['spec', 'strategy']
const STEPS: Path = [...STRATEGY, 'rollingSync', 'steps']

/**
 * What is wrong with `spec.strategy`, and that one in steps holds the Applications of the set. Mistakes refuse no set:
 * Argo CD takes it too, and no step is taken here that could go wrong.
 */
export function strategyProblems(spec: JsonObject): Problem[] {
  const strategy = member(spec, 'strategy')
  const type = strategy['type'] ?? ''
  if (type === '' || type === 'AllAtOnce') return []
  const at: Path = [...STRATEGY, 'type']
  if (type !== 'RollingSync') {
    return [
      invalid(at, `"${String(type)}" is no strategy, and counts as AllAtOnce`, 'there are AllAtOnce and RollingSync'),
    ]
  }
  const held: Problem = {
    code: 'FIELD_NOT_SUPPORTED_YET',
    severity: 'warning',
    path: at,
    message: `${pathText(at)} RollingSync is not built yet: every Application of the set will be held`,
    hint: 'remove spec.strategy to release all its Applications at once',
  }
  const steps = listOf(member(strategy, 'rollingSync')['steps'])
  if (steps.length > 0) return [held, ...steps.flatMap(stepProblems)]
  return [held, invalid(at, 'there are no steps in spec.strategy.rollingSync: Argo CD applies nothing of the set')]
}

function stepProblems(step: Json, index: number): Problem[] {
  if (!isJsonObject(step)) return []
  const expressions = listOf(step['matchExpressions']).flatMap((expression, place) => {
    const operator = isJsonObject(expression) ? (expression['operator'] ?? '') : 'In'
    if (operator === 'In' || operator === 'NotIn') return []
    const path: Path = [...STEPS, index, 'matchExpressions', place]
    return [invalid(path, `"${String(operator)}" is no operator of a step`, 'there are In and NotIn')]
  })
  const limit = step['maxUpdate']
  if (limit === undefined || isLimit(limit)) return expressions
  const message = `${JSON.stringify(limit)} is no maxUpdate; Argo CD takes ${typeof limit === 'string' ? 'it for 1' : 'it for 0'}`
  return [...expressions, invalid([...STEPS, index, 'maxUpdate'], message, 'write a count, or a share like "25%"')]
}

/** A count, or a share of the step's Applications. */
function isLimit(limit: Json): boolean {
  if (typeof limit === 'string') return /^(?:100|\d{1,2})%$/.test(limit)
  return typeof limit === 'number' && limit >= 0
}

function invalid(path: Path, message: string, hint?: string): Problem {
  const problem = { code: 'INVALID_VALUE', severity: 'error', blocking: false } as const
  return { ...problem, path, message, ...(hint === undefined ? {} : { hint }) }
}

import { type CelLanguage, type CelQuestion, celLanguage, firstLine, isMissing, toCel } from '../../cel/cel-question.ts'
import { getKey } from '../../json/json.ts'
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

const FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'] as const

let known: CelLanguage | undefined

function language(): CelLanguage {
  const typeOf = (name: string) => (name === 'apiVersion' || name === 'kind' ? 'string' : 'map<string, dyn>')
  known ??= celLanguage(Object.fromEntries(FIELDS.map(name => [name, typeOf(name)])))
  return known
}

/** The rule, or the first mistake in one of its expressions. */
export function celHealthRule({ inProgress, failed, current }: CelExpressions): CustomHealthRule | string {
  const asked: (readonly ['Progressing' | 'Degraded' | 'Healthy', CelQuestion])[] = []
  for (const [status, source] of [
    ['Progressing', inProgress],
    ['Degraded', failed],
    ['Healthy', current],
  ] as const) {
    if (source === undefined) continue
    const question = language().read(source)
    if (typeof question === 'string') return question
    asked.push([status, question])
  }
  return { assess: object => answer(asked, object) }
}

function answer(asked: readonly (readonly [Health['status'], CelQuestion])[], object: KubernetesObject): Health {
  const variables = Object.fromEntries(FIELDS.map(name => [name, toCel(getKey(object, name) ?? {})]))
  const ready = conditionsOf(object).find(({ type }) => type === 'Ready')
  const message = ready?.message
  for (const [status, question] of asked) {
    try {
      if (question(variables) === true) return health(status, message)
    } catch (error) {
      // What is not there yet is not true yet; anything else is a mistake of the rule.
      if (isMissing(error)) continue
      return health('Unknown', `CEL: ${firstLine(error)}`)
    }
  }
  return health('Progressing', message)
}

import { compareUtf8 } from '../go-text.ts'

/** A condition as Kubernetes writes them; types and reasons are Argo CD's where it has one (applicationsets.md 12). */
export interface SetCondition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** ISO 8601. */
  readonly lastTransitionTime?: string
}

export const PARAMETERS_GENERATED_MESSAGE = 'Successfully generated parameters for all Applications'
export const UP_TO_DATE_MESSAGE = 'All applications have been generated successfully'
/** Types that only a rollout in steps writes. */
const ROLLOUT_TYPES = ['RolloutProgressing', 'InvalidRolloutConfig'] as const

/**
 * Replaces the conditions of the types that were looked at: what is no longer said of them is gone, what is the same
 * keeps the time at which it began. Conditions of other types stay.
 */
export function setConditions(
  before: readonly SetCondition[],
  conditions: readonly SetCondition[],
  evaluated: ReadonlySet<string>,
  now: string,
): readonly SetCondition[] {
  const kept = before.filter(({ type }) => !evaluated.has(type) && !conditions.some(each => each.type === type))
  const said = conditions.map(condition => {
    const same = before.find(each => sameMeaning(each, condition))
    return same ?? { ...condition, lastTransitionTime: condition.lastTransitionTime ?? now }
  })
  return [...kept, ...said].sort(byTypeAndMeaning)
}

export interface ConditionWrite {
  readonly conditions: readonly SetCondition[]
  /** Whether every generator gave its parameters. */
  readonly parametersGenerated: boolean
  /** Whether the set asks for a rollout in steps; without it such conditions are taken away. */
  readonly rollingSync: boolean
  readonly now: string
}

/**
 * One write of conditions with what follows from it: an error means that the resources are not up to date, resources
 * that are up to date mean that there is no error, and each write says whether the parameters were generated.
 */
export function writeConditions(before: readonly SetCondition[], write: ConditionWrite): readonly SetCondition[] {
  const { conditions, parametersGenerated, rollingSync, now } = write
  const written = new Map<string, SetCondition>()
  for (const condition of conditions) {
    if (rollingSync || !isRolloutType(condition.type)) written.set(condition.type, condition)
  }
  const error = written.get('ErrorOccurred')
  const upToDate = written.get('ResourcesUpToDate')
  if (error?.status === 'True') {
    const { message } = error
    written.set('ResourcesUpToDate', { type: 'ResourcesUpToDate', status: 'False', reason: 'ErrorOccurred', message })
  } else if (upToDate?.status === 'True') {
    const { reason, message } = upToDate
    written.set('ErrorOccurred', { type: 'ErrorOccurred', status: 'False', reason, message })
  }
  written.set('ParametersGenerated', parametersCondition(parametersGenerated, error?.message ?? ''))
  const evaluated = new Set([...written.keys(), ...(rollingSync ? [] : ROLLOUT_TYPES)])
  return setConditions(before, [...written.values()], evaluated, now)
}

function parametersCondition(generated: boolean, message: string): SetCondition {
  const type = 'ParametersGenerated'
  return generated
    ? { type, status: 'True', reason: 'ParametersGenerated', message: PARAMETERS_GENERATED_MESSAGE }
    : { type, status: 'False', reason: 'ErrorOccurred', message }
}

function isRolloutType(type: string): boolean {
  return ROLLOUT_TYPES.some(each => each === type)
}

function sameMeaning(a: SetCondition, b: SetCondition): boolean {
  return a.type === b.type && a.status === b.status && a.message === b.message && (a.reason ?? '') === (b.reason ?? '')
}

function byTypeAndMeaning(a: SetCondition, b: SetCondition): number {
  return (
    compareUtf8(a.type, b.type) ||
    compareUtf8(a.status ?? '', b.status ?? '') ||
    compareUtf8(a.reason ?? '', b.reason ?? '') ||
    compareUtf8(a.message ?? '', b.message ?? '') ||
    compareUtf8(a.lastTransitionTime ?? '', b.lastTransitionTime ?? '')
  )
}

export interface SetHealth {
  readonly status: 'Healthy' | 'Progressing' | 'Degraded' | 'Unknown'
  readonly message: string
}

/** The health of a set by its conditions; it says nothing of how its Applications are. */
export function healthOfSet(conditions: readonly SetCondition[]): SetHealth {
  if (conditions.length === 0) return { status: 'Unknown', message: 'No status conditions found for ApplicationSet' }
  const isTrue = (type: string) => conditions.find(each => each.type === type && each.status === 'True')
  const error = isTrue('ErrorOccurred')
  if (error) return { status: 'Degraded', message: error.message }
  const progressing = isTrue('RolloutProgressing')
  if (progressing) return { status: 'Progressing', message: progressing.message }
  const upToDate = isTrue('ResourcesUpToDate')
  if (upToDate) return { status: 'Healthy', message: upToDate.message }
  return { status: 'Unknown', message: 'Waiting for health status to be determined' }
}

import type { ExpansionError } from '../expansion.ts'
import { compareUtf8 } from '../go-text.ts'
import { healthOfSet, type SetCondition, type SetHealth, UP_TO_DATE_MESSAGE, writeConditions } from './conditions.ts'

/**
 * How one generator of a set is: `ok` gave a list; `stale` did not, and its last good one is in force; `failed` never
 * gave one; `waiting` has not been answered yet.
 */
export interface GeneratorStatus {
  readonly generator: string
  readonly status: 'ok' | 'stale' | 'failed' | 'waiting'
  readonly applications: number
  /** Since when it is so, ISO 8601. */
  readonly since: string
  /** When it last gave a list; absent when it never did. */
  readonly okAt?: string
}

export interface SetStatus {
  readonly generators: readonly GeneratorStatus[]
  readonly conditions: readonly SetCondition[]
  readonly health: SetHealth
}

/** What a round came to, as far as its status depends on it. */
export interface RoundFacts {
  readonly generators: readonly Omit<GeneratorStatus, 'since' | 'okAt'>[]
  readonly errors: readonly Pick<ExpansionError, 'reason' | 'stage' | 'message'>[]
  readonly rollingSync: boolean
  /** Why Applications of it wait for a person, if some do. */
  readonly waiting?: { readonly reason: 'DeletionHeld' | 'DeletionRejected' | 'SetRemoved'; readonly message: string }
  /** When the round was made; `now` may be later, when only what waits has changed. ISO 8601. */
  readonly expandedAt: string
  readonly now: string
}

/** The status of a set after a round: a function of the round and of what was said before. */
export function statusOfRound(before: Partial<SetStatus> | undefined, round: RoundFacts): SetStatus {
  const generators = round.generators.map(each => aged(each, before?.generators, round.expandedAt))
  const argo = writeConditions(
    (before?.conditions ?? []).filter(({ type }) => type !== 'Ready'),
    {
      conditions: [argoCondition(round)],
      parametersGenerated: !round.errors.some(({ stage }) => stage !== 'validate'),
      rollingSync: round.rollingSync,
      now: round.now,
    },
  )
  return { generators, conditions: withReady(before?.conditions ?? [], argo, round), health: healthOfSet(argo) }
}

function aged(
  now: Omit<GeneratorStatus, 'since' | 'okAt'>,
  before: readonly GeneratorStatus[] = [],
  time: string,
): GeneratorStatus {
  const known = before.find(({ generator }) => generator === now.generator)
  const since = known?.status === now.status ? known.since : time
  const okAt = now.status === 'ok' ? time : known?.okAt
  return { ...now, since: since ?? time, ...(okAt !== undefined && { okAt }) }
}

/** The first error of generating or rendering; else, as Argo CD words it, the last Application that is not valid. */
function argoCondition({ errors }: RoundFacts): SetCondition {
  const fatal = errors.find(({ stage }) => stage !== 'validate')
  if (fatal) return { type: 'ErrorOccurred', status: 'True', reason: fatal.reason, message: fatal.message }
  const invalid = errors.map(({ message }) => message).sort(compareUtf8)
  const last = invalid.at(-1)
  if (last !== undefined) return { type: 'ErrorOccurred', status: 'True', ...validationError(last, invalid.length) }
  return { type: 'ResourcesUpToDate', status: 'True', reason: 'ApplicationSetUpToDate', message: UP_TO_DATE_MESSAGE }
}

function validationError(last: string, count: number): { readonly reason: string; readonly message: string } {
  const more = count > 1 ? ` (and ${count - 1} more)` : ''
  return { reason: 'ApplicationValidationError', message: `${last}${more}` }
}

/** Ours, and positive: True when the set is what its document and its inputs say, with nothing waiting or aged. */
function withReady(
  before: readonly SetCondition[],
  argo: readonly SetCondition[],
  round: RoundFacts,
): readonly SetCondition[] {
  const ready = readyOf(round)
  const same = before.find(
    ({ type, status, reason, message }) =>
      type === 'Ready' && status === ready.status && reason === ready.reason && message === ready.message,
  )
  return [...argo, same ?? { ...ready, lastTransitionTime: round.now }]
}

function readyOf({ generators, errors, waiting }: RoundFacts): SetCondition {
  const no = (reason: string, message: string): SetCondition => ({ type: 'Ready', status: 'False', reason, message })
  const of = (status: GeneratorStatus['status']) =>
    generators.filter(each => each.status === status).map(({ generator }) => generator)
  const failed = of('failed')
  const stale = of('stale')
  const unanswered = of('waiting')
  if (waiting?.reason === 'SetRemoved') return no(waiting.reason, waiting.message)
  if (failed.length > 0) return no('GeneratorFailed', `generators ${failed.join(', ')} gave nothing so far`)
  if (stale.length > 0) {
    return no('GeneratorStale', `generators ${stale.join(', ')} failed; their last good result stays in force`)
  }
  if (unanswered.length > 0) return no('GeneratorWaiting', `generators ${unanswered.join(', ')} wait for an answer`)
  if (errors.length > 0) return no('ApplicationsInvalid', `${errors.length} errors; see errors`)
  if (waiting) return no(waiting.reason, waiting.message)
  return { type: 'Ready', status: 'True', reason: 'UpToDate', message: UP_TO_DATE_MESSAGE }
}

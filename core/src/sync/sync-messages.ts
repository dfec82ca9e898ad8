import type { ObjectKey } from '../model/kubernetes-object.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** The sentences of an operation are Argo CD's: people's scripts and eyes know them. */

/** `apps/Deployment/web`, with an empty group for core kinds. */
export function argoName({ group, kind, name }: ObjectKey): string {
  return `${group}/${kind}/${name}`
}

/** `waiting for completion of hook batch/Job/a and 2 more hooks`. */
export function waiting(what: string, keys: readonly ObjectKey[], noun: string): string {
  const more = keys.length - 1
  return `waiting for ${what} ${argoName(keys[0]!)}${more > 0 ? ` and ${more} more ${noun}` : ''}`
}

export function unsuccessful(reasons: readonly string[]): string {
  return `one or more synchronization tasks completed unsuccessfully, reason: ${joined(reasons)}`
}

export function failedToApply(reasons: readonly string[]): string {
  return `one or more objects failed to apply, reason: ${joined(reasons)}`
}

export function failedDryRun(reasons: readonly string[]): string {
  return `one or more objects failed to apply (dry run): ${joined(reasons)}`
}

export function invalidTasks(reasons: readonly string[]): string {
  return `one or more synchronization tasks are not valid: ${[...new Set(reasons)].slice(0, MOST_REASONS).join('; ')}`
}

/** `… Retrying attempt #2 at 3:04PM.`, in UTC, where the moment that is said is the moment that is meant. */
export function retrying(message: string, attempt: number, at: EpochMs): string {
  const date = new Date(at)
  const hours = date.getUTCHours()
  const clock = `${hours % 12 === 0 ? 12 : hours % 12}:${String(date.getUTCMinutes()).padStart(2, '0')}`
  return `${message}. Retrying attempt #${attempt} at ${clock}${hours < 12 ? 'AM' : 'PM'}.`
}

const MOST_REASONS = 10

function joined(reasons: readonly string[]): string {
  const distinct = [...new Set(reasons)]
  const more = distinct.length - MOST_REASONS
  return distinct.slice(0, MOST_REASONS).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

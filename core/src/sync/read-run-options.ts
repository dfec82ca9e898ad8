import { readRetryPolicy } from '../decide/retry-delay.ts'
import { parseGoDuration } from '../gates/go-duration.ts'
import type { JsonObject } from '../json/json.ts'
import type { RunOptions } from './run-options.ts'

type Mutable<T> = { -readonly [Key in keyof T]?: T[Key] }

/** What the hub does with an automated sync that stays failed after its retries. */
export type OnFailure = { readonly kind: 'stop' } | { readonly kind: 'retry'; readonly intervalMs: number }

export interface ReadRun {
  /** Only what differs from the usual. */
  readonly run: Mutable<RunOptions>
  onFailure?: OnFailure
}

const USUAL_INTERVAL_MS = 10 * 60_000

/** By the name that stands in `syncOptions`; each says what its value may be when it is not that. */
const OPTIONS: { readonly [name: string]: (read: ReadRun, value: string) => string | undefined } = {
  Timeout: duration('timeoutMs', 1),
  WaveTimeout: duration('waveTimeoutMs', 1),
  DegradedGrace: duration('degradedGraceMs', 0),
  StallAfter: duration('stallAfterMs', 1),
  WaitForHealth: word('waitForHealth', ['waves', 'final']),
  Supersede: word('supersede', ['whenWaiting', 'always', 'never']),
  FailFast: flag('failFast'),
  HealHooks: flag('healHooks'),
  IngressHealth: (read, value) => {
    if (value !== 'address' && value !== 'ignoreAddress') return 'address or ignoreAddress'
    read.run.ignoreIngressAddress = value === 'ignoreAddress'
    return undefined
  },
  OnFailure: (read, value) => {
    const [, interval] = /^retry(?:\((.+)\))?$/.exec(value) ?? [undefined, undefined]
    if (value === 'stop') read.onFailure = { kind: 'stop' }
    else if (value === 'retry') read.onFailure = { kind: 'retry', intervalMs: USUAL_INTERVAL_MS }
    else {
      const intervalMs = interval === undefined ? undefined : parseGoDuration(interval)
      if (intervalMs === undefined || intervalMs < 1000) return 'stop, retry, or retry with an interval: retry(30m)'
      read.onFailure = { kind: 'retry', intervalMs }
    }
    return undefined
  },
}

/** Our own options of how a sync is run, beside Argo CD's of what it applies. */
export const RUN_OPTION_NAMES: readonly string[] = Object.keys(OPTIONS)

/** @returns what the value may be, when it is not one of those. */
export function readRunOption(read: ReadRun, name: string, value: string): string | undefined {
  return OPTIONS[name]?.(read, value)
}

/** `syncPolicy.retry` of the Application; absent: as usual. */
export function readRetry(read: ReadRun, retry: JsonObject | undefined): void {
  if (!retry) return
  const policy = readRetryPolicy(retry)
  read.run.retry = {
    ...policy,
    firstDelayMs: Math.round(policy.firstDelayMs),
    longestDelayMs: Math.round(policy.longestDelayMs),
  }
}

type DurationField = 'timeoutMs' | 'waveTimeoutMs' | 'degradedGraceMs' | 'stallAfterMs'

function duration(field: DurationField, least: number) {
  return ({ run }: ReadRun, value: string): string | undefined => {
    const ms = parseGoDuration(value)
    if (ms === undefined || ms < least) return 'a duration such as 10m'
    run[field] = Math.round(ms)
    return undefined
  }
}

function word<Field extends 'waitForHealth' | 'supersede'>(field: Field, words: readonly RunOptions[Field][]) {
  return ({ run }: ReadRun, value: string): string | undefined => {
    const found = words.find(each => each === value)
    if (found === undefined) return words.join(' or ')
    run[field] = found as Mutable<RunOptions>[Field]
    return undefined
  }
}

function flag(field: 'failFast' | 'healHooks') {
  return ({ run }: ReadRun, value: string): string | undefined => {
    if (value !== 'true' && value !== 'false') return 'true or false'
    run[field] = value === 'true'
    return undefined
  }
}

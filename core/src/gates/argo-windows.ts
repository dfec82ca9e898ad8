import type { EpochMs } from '../time/epoch-ms.ts'
import { compileArgoScope, inScope } from './compile-scope.ts'
import { parseGoDuration } from './go-duration.ts'
import { cronMistakeText, parseCron } from './parse-cron.ts'
import type { ArgoWindowScope, GateTarget } from './rules.ts'
import { TimeZone } from './time-zone.ts'
import { nextStart } from './walk-cron.ts'
import { type WindowNow, windowVerdict } from './window-verdict.ts'

/** An entry of an AppProject's `syncWindows`, as written. */
export interface ArgoWindow extends ArgoWindowScope {
  readonly kind?: string
  readonly schedule?: string
  readonly duration?: string
  readonly manualSync?: boolean
  readonly timeZone?: string
  readonly syncOverrun?: boolean
  readonly description?: string
}

/** A list as documents have it: an empty entry counts for nothing. */
export type ArgoWindows = readonly (ArgoWindow | null)[]

export type ArgoAnswer<Value> =
  | { readonly kind: 'answer'; readonly value: Value }
  | { readonly kind: 'error'; readonly message: string }

/**
 * Whether Argo CD itself holds the window active: its intervals are open at both ends, its offset is that of the
 * moment that asks, an unknown zone is UTC, and a schedule that never fires is active for ever. For comparing and for
 * reading what people bring; the gates themselves go by `decide`.
 */
export function argoActive(window: ArgoWindow, at: EpochMs): ArgoAnswer<boolean> {
  const schedule = window.schedule ?? ''
  const cron = parseCron(schedule)
  if (cron.kind === 'mistake') return error(`cannot parse ${cronMistakeText(schedule, cron.mistake)}`)
  const duration = parseGoDuration(window.duration ?? '')
  if (duration === undefined) return error(`cannot parse duration "${window.duration ?? ''}"`)
  const wall = (TimeZone.find(window.timeZone ?? '') ?? TimeZone.utc).wallOf(at)
  const start = nextStart(cron.cron, wall - duration, ARGO_YEARS)
  return answer(start === undefined || start < wall)
}

const ARGO_YEARS = 5

/** The entries that concern an Application. A glob that is none matches nothing. */
export function argoMatching(windows: ArgoWindows, target: GateTarget): readonly ArgoWindow[] {
  return windows.filter(window => {
    if (window === null) return false
    const scope = compileArgoScope(window)
    return scope.kind === 'scope' && inScope(scope.scope, target)
  }) as readonly ArgoWindow[]
}

/** The windows that are active, of any kind. */
export function argoActiveWindows(windows: ArgoWindows, at: EpochMs): ArgoAnswer<readonly ArgoWindow[]> {
  return those(windows, at, (_, active) => active)
}

export function argoInactiveAllows(windows: ArgoWindows, at: EpochMs): ArgoAnswer<readonly ArgoWindow[]> {
  return those(windows, at, ({ kind }, active) => kind === 'allow' && !active)
}

function those(
  windows: ArgoWindows,
  at: EpochMs,
  wanted: (window: ArgoWindow, active: boolean) => boolean,
): ArgoAnswer<readonly ArgoWindow[]> {
  const found: ArgoWindow[] = []
  for (const window of windows) {
    if (window === null) continue
    const active = argoActive(window, at)
    if (active.kind === 'error') return active
    if (wanted(window, active.value)) found.push(window)
  }
  return answer(found)
}

/**
 * Argo CD's decision over the windows that concern an Application. One that cannot be read refuses everything, by hand
 * and automated; one of an unknown kind neither allows nor denies.
 *
 * @param operationStart Of a running operation.
 */
export function argoCanSync(
  windows: ArgoWindows,
  at: EpochMs,
  manual: boolean,
  operationStart?: EpochMs,
): ArgoAnswer<boolean> {
  const now = windowsAt(windows, at)
  if (now.kind === 'error') return error(`invalid sync windows: ${now.message}`)
  const allowedAtStart = (start: EpochMs) => () => {
    const then = windowsAt(windows, start)
    return then.kind === 'answer' && windowVerdict(then.value, manual).allowed
  }
  const overrun = operationStart === undefined ? undefined : allowedAtStart(operationStart)
  return answer(windowVerdict(now.value, manual, overrun).allowed)
}

/** What Argo CD shows of an operation that stands before a window; undefined when it may go on. Its phase stays. */
export function argoBlockedMessage(decision: ArgoAnswer<boolean>): string | undefined {
  if (decision.kind === 'error') return `Sync operation blocked by sync window: ${decision.message}`
  return decision.value ? undefined : 'Sync operation blocked by sync window'
}

/** Of the windows of one kind: whether all of them, and at least one, have a flag. */
export function argoAll(windows: ArgoWindows, kind: 'allow' | 'deny', flag: 'manualSync' | 'syncOverrun'): boolean {
  const those = argoOfKind(windows, kind)
  return those.length > 0 && those.every(window => window[flag] === true)
}

export function argoOfKind(windows: ArgoWindows, kind: 'allow' | 'deny'): readonly ArgoWindow[] {
  return windows.filter(window => window?.kind === kind) as readonly ArgoWindow[]
}

function windowsAt(windows: ArgoWindows, at: EpochMs): ArgoAnswer<readonly WindowNow[]> {
  const found: WindowNow[] = []
  for (const window of windows) {
    if (window === null) continue
    const active = argoActive(window, at)
    if (active.kind === 'error') return active
    const { kind } = window
    if (kind !== 'allow' && kind !== 'deny') continue
    const { manualSync = false, syncOverrun = false } = window
    found.push({ effect: kind, active: active.value, manualSync, syncOverrun })
  }
  return answer(found)
}

function error(message: string): { readonly kind: 'error'; readonly message: string } {
  return { kind: 'error', message }
}

function answer<Value>(value: Value): { readonly kind: 'answer'; readonly value: Value } {
  return { kind: 'answer', value }
}

import { canonicalJson } from '../json/canonical-json.ts'
import type { ArgoWindow, ArgoWindows } from './argo-windows.ts'
import { compileArgoScope, type ScopeMistake } from './compile-scope.ts'
import { parseGoDuration } from './go-duration.ts'
import { cronMistakeText, parseCron } from './parse-cron.ts'
import { TimeZone } from './time-zone.ts'

export interface WindowMistake extends ScopeMistake {
  /** It concerns nobody: no harm, and surely not what was meant. */
  readonly selectsNothing?: true
}

/** Longest `description`, in characters. */
export const LONGEST_DESCRIPTION = 255

/** What Argo CD refuses in one window, and every unknown time zone, which it would silently take for UTC. */
export function checkArgoWindow(window: ArgoWindow): readonly WindowMistake[] {
  const mistakes: WindowMistake[] = []
  const { kind = '', schedule = '', duration = '', timeZone = '', description = '' } = window
  if (kind !== 'allow' && kind !== 'deny') {
    mistakes.push({ path: ['kind'], message: `kind "${kind}" must be allow or deny` })
  }
  const cron = parseCron(schedule)
  if (cron.kind === 'mistake')
    mistakes.push({ path: ['schedule'], message: `cannot parse ${cronMistakeText(schedule, cron.mistake)}` })
  if (parseGoDuration(duration) === undefined) {
    mistakes.push({ path: ['duration'], message: `cannot parse duration "${duration}": write it as 8h, 1h30m or 45m` })
  }
  if (timeZone !== '' && TimeZone.find(timeZone) === undefined) {
    mistakes.push({ path: ['timeZone'], message: `"${timeZone}" is not an IANA time zone such as "Europe/Berlin"` })
  }
  if (description.length > LONGEST_DESCRIPTION) {
    mistakes.push({ path: ['description'], message: `is longer than ${LONGEST_DESCRIPTION} characters` })
  }
  const scope = compileArgoScope(window)
  return scope.kind === 'scope' ? mistakes : [...mistakes, ...scope.mistakes]
}

/** Of a project's whole list: each window, that each selects something, and that no two are the same. */
export function checkArgoWindows(windows: ArgoWindows): readonly WindowMistake[] {
  const mistakes: WindowMistake[] = []
  const seen = new Map<string, number>()
  for (const [index, window] of windows.entries()) {
    if (window === null) continue
    mistakes.push(...checkArgoWindow(window).map(({ path, message }) => ({ path: [index, ...path], message })))
    if (!selectsAnything(window)) {
      mistakes.push({
        path: [index],
        message: 'requires one of application, cluster or namespace: without one it concerns nobody',
        selectsNothing: true,
      })
    }
    const identity = windowIdentity(window)
    const first = seen.get(identity)
    if (first === undefined) seen.set(identity, index)
    else
      mistakes.push({ path: [index], message: `the same window already exists as the ${ordinal(first)} of the list` })
  }
  return mistakes
}

function selectsAnything({ applications = [], namespaces = [], clusters = [] }: ArgoWindow): boolean {
  return applications.length + namespaces.length + clusters.length > 0
}

function ordinal(index: number): string {
  return index === 0 ? 'first' : index === 1 ? 'second' : index === 2 ? 'third' : `${index + 1}th`
}

/** What makes two windows the same one; `manualSync`, `syncOverrun` and `description` are not among it. */
export function windowIdentity(window: ArgoWindow): string {
  const { kind = '', schedule = '', duration = '', timeZone = '', andOperator = false } = window
  const { applications = [], namespaces = [], clusters = [] } = window
  return canonicalJson({ kind, schedule, duration, timeZone, andOperator, applications, namespaces, clusters })
}

/** What may be changed in a window that exists. */
export type WindowUpdate = Omit<ArgoWindow, 'kind'>

/**
 * The window with every field that the update names. What it does not name stays, the time zone too. An update that
 * names nothing is refused: it was meant to change something.
 */
export function updateArgoWindow(window: ArgoWindow, update: WindowUpdate): ArgoWindow | undefined {
  const named = Object.entries(update).filter(([, value]) => !saysNothing(value))
  if (named.length === 0) return undefined
  return { ...window, ...Object.fromEntries(named) }
}

function saysNothing(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}

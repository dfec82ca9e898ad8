import {
  type ArgoAnswer,
  type ArgoWindow,
  argoActive,
  argoActiveWindows,
  argoAll,
  argoBlockedMessage,
  argoCanSync,
  argoInactiveAllows,
  argoMatching,
  argoOfKind,
} from '@flotilla/core/gates/argo-windows'
import {
  checkArgoWindow,
  checkArgoWindows,
  updateArgoWindow,
  type WindowUpdate,
  windowIdentity,
} from '@flotilla/core/gates/check-argo-windows'
import type { GateTarget } from '@flotilla/core/gates/rules'
import { type ConformanceCase, failed, type Outcome, PASSED, type Suite } from './suite.ts'

type Windows = readonly (ArgoWindow | null)[]

interface WindowCase extends ConformanceCase {
  readonly windows: Windows
  readonly window: ArgoWindow
  readonly now: string
  readonly manual?: boolean
  readonly operationStart?: string | null
  readonly name: string
  readonly app: {
    readonly name: string
    readonly destination: { readonly name?: string; readonly server?: string; readonly namespace?: string }
  }
  readonly update: WindowUpdate
  readonly a: ArgoWindow
  readonly b: ArgoWindow
  readonly sameIdentity: boolean
  readonly phase: string
  readonly expectedPhase: string
  readonly messageContains?: string
  readonly expected?: boolean
  readonly expectedCount?: number
  readonly expectError?: boolean
  readonly errorContains?: readonly string[]
}

const of =
  (run: (testCase: WindowCase) => Outcome) =>
  (testCase: ConformanceCase): Outcome =>
    run(testCase as WindowCase)

/** Sync windows of AppProjects, in Argo CD's strict reading. */
export const windowSuite: Suite = {
  name: 'window',
  file: 'window.json',
  operationOf: testCase => String(testCase['kind']),
  operations: {
    windowActive: of(one => judge(one, argoActive(one.window, Date.parse(one.now)), one.expected)),
    active: of(one => judge(one, count(argoActiveWindows(one.windows, Date.parse(one.now))), one.expectedCount)),
    inactiveAllows: of(one =>
      judge(one, count(argoInactiveAllows(one.windows, Date.parse(one.now))), one.expectedCount),
    ),
    matches: of(one => equal(argoMatching(one.windows, targetOf(one)).length, one.expectedCount)),
    canSync: of(one => judge(one, canSync(one), one.expected)),
    predicate: of(one => equal(predicate(one), one.expected)),
    validateWindow: of(one => mistakes(one, checkArgoWindow(one.window))),
    validateProject: of(one => mistakes(one, checkArgoWindows(one.windows))),
    updateWindow: of(one => equal(updateArgoWindow(one.window, one.update) === undefined, one.expectError)),
    identity: of(one => equal(windowIdentity(one.a) === windowIdentity(one.b), one.sameIdentity)),
    syncStep: of(one => {
      const message = argoBlockedMessage(canSync(one))
      if (one.messageContains === undefined) return equal(message, undefined)
      const phase = message === undefined ? 'Succeeded' : one.phase
      const fits = phase === one.expectedPhase && message?.includes(one.messageContains)
      return fits ? PASSED : failed(`phase ${phase}, message ${message}`)
    }),
  },
  notApplicable: {},
}

function canSync(one: WindowCase): ArgoAnswer<boolean> {
  const start = one.operationStart ? Date.parse(one.operationStart) : undefined
  return argoCanSync(one.windows, Date.parse(one.now), one.manual === true, start)
}

function count(answer: ArgoAnswer<readonly ArgoWindow[]>): ArgoAnswer<number> {
  return answer.kind === 'error' ? answer : { kind: 'answer', value: answer.value.length }
}

/** `hasDeny`, `allowManualEnabled`, `denyAllowsOverrun`: about the windows of one kind. */
function predicate({ name, windows }: WindowCase): boolean {
  const kind = /deny/i.test(name) ? 'deny' : 'allow'
  if (name.endsWith('ManualEnabled')) return argoAll(windows, kind, 'manualSync')
  if (name.endsWith('AllowsOverrun') || name.endsWith('AllowOverrun')) return argoAll(windows, kind, 'syncOverrun')
  return argoOfKind(windows, kind).length > 0
}

function targetOf({ app }: WindowCase): GateTarget {
  return { name: app.name, project: '', labels: {}, destination: app.destination }
}

function judge<Value>(one: WindowCase, answer: ArgoAnswer<Value>, expected: Value | undefined): Outcome {
  if (answer.kind === 'error') {
    return one.expectError ? contains(one, answer.message) : failed(`error: ${answer.message}`)
  }
  return one.expectError ? failed(`expected an error but was ${String(answer.value)}`) : equal(answer.value, expected)
}

function mistakes(one: WindowCase, found: readonly { readonly message: string }[]): Outcome {
  const message = found.map(mistake => mistake.message).join('; ')
  if (one.expectError) return found.length > 0 ? contains(one, message) : failed('expected an error')
  return found.length === 0 ? PASSED : failed(`error: ${message}`)
}

function contains({ errorContains = [] }: WindowCase, message: string): Outcome {
  const lacking = errorContains.filter(text => !message.includes(text))
  return lacking.length === 0 ? PASSED : failed(`"${message}" does not say ${lacking.join(', ')}`)
}

function equal<Value>(actual: Value, expected: Value): Outcome {
  return actual === expected ? PASSED : failed(`expected ${String(expected)} but was ${String(actual)}`)
}

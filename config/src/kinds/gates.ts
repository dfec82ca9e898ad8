import { compileFreeze, compileWindow, type RuleMistake } from '@flotilla/core/gates/compile-rule'
import { parseIsoDuration } from '@flotilla/core/gates/iso-duration'
import type { FreezeRule, FreezeTime, GateScope, WindowRule } from '@flotilla/core/gates/rules'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { type Problem, pathText } from '../problem.ts'
import { freezePeriodDocument, syncWindowDocument } from '../schema/gates.ts'
import { type KindReader, type KindReading, listOf, member, nameOf, textOf } from './kind.ts'

/** The forms that an entry of `when` has; exactly one of these fields says which. */
const FORMS = ['from', 'yearly', 'rrule', 'calendar'] as const
const FORM_FIELDS: Readonly<Record<(typeof FORMS)[number], readonly string[]>> = {
  from: ['from', 'until', 'through'],
  yearly: ['yearly'],
  rrule: ['rrule', 'duration', 'start', 'exdates'],
  calendar: ['calendar', 'summary'],
}

function readSyncWindow(document: JsonObject): KindReading {
  const name = nameOf(document)
  const { kind, schedule, duration, scope, ...rest } = spec(document)
  const rule = {
    ...rest,
    ...head(document, `SyncWindow/${name}`),
    kind,
    schedule,
    duration,
    select: { kind: 'scope', scope: scope as unknown as GateScope },
  } as unknown as WindowRule
  const sound = syncWindowDocument.safeParse(document).success
  return gate('SyncWindow', document, rule, sound ? valueProblems(compileWindow(rule).mistakes) : [])
}

function readFreezePeriod(document: JsonObject): KindReading {
  const name = nameOf(document)
  const { level, ...rest } = spec(document)
  const rule = { ...rest, freeze: level, ...head(document, `FreezePeriod/${name}`) } as unknown as FreezeRule
  if (!freezePeriodDocument.safeParse(document).success) return gate('FreezePeriod', document, rule, [])
  const forms = formProblems(rule.when)
  // Calendars come from elsewhere; whether one is there is known where the rules are put together.
  const mistakes = forms.length > 0 ? [] : compileFreeze(rule, undefined).mistakes
  const problems = [...forms, ...valueProblems(mistakes), ...otherProblems(document)]
  return gate('FreezePeriod', document, rule, problems)
}

function spec(document: JsonObject): JsonObject {
  return member(document, 'spec')
}

function head(document: JsonObject, name: string): Pick<WindowRule, 'name' | 'owner' | 'level'> {
  const owner = textOf(member(document, 'metadata')['owner'])
  return { name, level: owner === undefined ? 'organisation' : 'team', ...(owner === undefined ? {} : { owner }) }
}

/** In force as it is; one with mistakes closes what it may concern, so that it is found even where it is not read. */
function gate(
  kind: string,
  document: JsonObject,
  rule: WindowRule | FreezeRule,
  problems: readonly Problem[],
): KindReading {
  const name = nameOf(document)
  return { name, spec: rule, problems, gates: [{ path: ['kind'], what: `${kind} "${name}"`, everywhere: true }] }
}

export function valueProblems(mistakes: readonly RuleMistake[]): Problem[] {
  return mistakes.map(mistake => {
    const path = ['spec', ...mistake.path]
    return { code: 'INVALID_VALUE', severity: 'error', path, message: `${pathText(path)}: ${mistake.message}` }
  })
}

function formProblems(when: readonly FreezeTime[]): Problem[] {
  return when.flatMap((time, index) => {
    const path = ['spec', 'when', index]
    const fields = Object.keys(time)
    const forms = FORMS.filter(form => fields.includes(form))
    const choice = 'from (with until or through), yearly, rrule (with duration) or calendar'
    if (forms.length !== 1) {
      const message = `${pathText(path)} must have exactly one of ${choice}`
      return [{ code: 'INVALID_VALUE' as const, severity: 'error' as const, path, message }]
    }
    const form = forms[0]!
    const lacking = form === 'rrule' && !fields.includes('duration') ? ['duration'] : []
    const strange = fields.filter(field => !FORM_FIELDS[form].includes(field))
    return [
      ...lacking.map((field): Problem => {
        const at = [...path, field]
        return { code: 'MISSING_FIELD', severity: 'error', at: 'key', path: at, message: `${pathText(at)} is missing` }
      }),
      ...strange.map((field): Problem => {
        const at = [...path, field]
        return {
          code: 'UNKNOWN_FIELD',
          severity: 'error',
          at: 'key',
          path: at,
          message: `${field} does not go with ${form}`,
        }
      }),
    ]
  })
}

function otherProblems(document: JsonObject): Problem[] {
  const { exemptable, exclude } = spec(document)
  const contrary = exemptable === false && listOf(exclude).length > 0
  const path = ['spec', 'exclude']
  return [
    ...announceProblems(document),
    ...(contrary
      ? [invalid(path, 'exemptable is false, so that nothing can be excluded: leave out one of the two')]
      : []),
  ]
}

function announceProblems(document: JsonObject): Problem[] {
  return listOf(spec(document)['announce']).flatMap((value: Json, index) =>
    parseIsoDuration(String(value)) === undefined
      ? [invalid(['spec', 'announce', index], `"${String(value)}" is no duration such as P1D or PT1H`)]
      : [],
  )
}

function invalid(path: readonly (string | number)[], message: string): Problem {
  return { code: 'INVALID_VALUE', severity: 'error', path, message: `${pathText(path)}: ${message}` }
}

function reader(
  writtenKind: 'SyncWindow' | 'FreezePeriod',
  schema: KindReader['schema'],
  read: KindReader['read'],
): KindReader {
  return { apiVersion: 'flotilla.dev/v1alpha1', writtenKind, kind: writtenKind, group: 'flotilla.dev', schema, read }
}

export const gateReaders: readonly KindReader[] = [
  reader('SyncWindow', syncWindowDocument, readSyncWindow),
  reader('FreezePeriod', freezePeriodDocument, readFreezePeriod),
]

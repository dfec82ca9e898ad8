import { readFileSync } from 'node:fs'
import { compileRules } from '@flotilla/core/gates/compile-rules'
import { decide } from '@flotilla/core/gates/decide'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { gateRules } from '../gate-rules.ts'
import { load } from '../load.ts'

function loadText(text: string, trust: Trust = { kind: 'all' }) {
  return load({ source: '', trust, files: [{ path: 'gates.yaml', text }] })
}

function mistakes(text: string): string[] {
  return loadText(text).diagnostics.map(one => formatDiagnostic(one).replace(/\n.*/s, ''))
}

const WINDOW = `apiVersion: flotilla.dev/v1alpha1
kind: SyncWindow
metadata: {name: nights, owner: shop}
spec:
  kind: deny
  schedule: "0 22 * * *"
  duration: 8h
  scope: {all: true}
`
const FREEZE = `apiVersion: flotilla.dev/v1alpha1
kind: FreezePeriod
metadata: {name: year-end}
spec:
  level: hard
  reason: closing
  scope: {all: true}
  when:
  - {from: "2026-12-18", through: "2027-01-03"}
`

describe('gates are read', () => {
  test.each([
    ['SyncWindow "nights"', WINDOW],
    ['FreezePeriod "year-end"', FREEZE],
  ])('%s', (what, text) => {
    const result = loadText(text)
    expect(result.diagnostics).toEqual([])
    expect(result.declaredGates).toMatchObject([{ what, scope: { kind: 'all' } }])
    const lists = [...result.fleet.syncWindows!, ...result.fleet.freezePeriods!]
    expect(lists.map(({ kind, name }) => `${kind} "${name}"`)).toEqual([what])
  })

  test('a broken one keeps its last good version, and holds all the same', () => {
    const { lastGood } = loadText(FREEZE)
    const files = [{ path: 'gates.yaml', text: FREEZE.replace('2027-01-03', '2026-01-03') }]
    const result = load({ source: '', trust: { kind: 'all' }, files, lastGood })
    expect(result.fleet.freezePeriods!.map(({ spec }) => spec.when)).toEqual([
      [{ from: '2026-12-18', through: '2027-01-03' }],
    ])
    expect(result.declaredGates).toHaveLength(1)
  })

  test("a team's source may close what is its own, and no more", () => {
    const result = loadText(FREEZE, { kind: 'projects', projects: ['shop-*'] })
    const rules = compileRules(gateRules(result.fleet))
    const allowed = (project: string) => {
      const target = { name: 'web', project, labels: {}, destination: {} }
      return decide(rules, target, Date.UTC(2026, 11, 20), { trigger: 'manual' }).allowed
    }
    expect([allowed('shop-eu'), allowed('bank')]).toEqual([false, true])
  })
})

describe('every mistake has its place', () => {
  test.each<[string, string, string]>([
    [
      'a schedule',
      WINDOW.replace('0 22', '0 25'),
      'gates.yaml:6:13 INVALID_VALUE spec.schedule: schedule "0 25 * * *", character 3: 25 is no hour: 0 to 23',
    ],
    [
      'a schedule that never comes',
      WINDOW.replace('0 22 * * *', '0 0 30 2 *'),
      'gates.yaml:6:13 INVALID_VALUE spec.schedule: schedule "0 0 30 2 *" names a day that never comes',
    ],
    [
      'a duration',
      WINDOW.replace('8h', '1 day'),
      'gates.yaml:7:13 INVALID_VALUE spec.duration: cannot parse duration "1 day": write it as 8h, 1h30m or 45m',
    ],
    [
      'a zone',
      WINDOW.replace('  scope', '  timeZone: Europe/Berln\n  scope'),
      'gates.yaml:8:13 INVALID_VALUE spec.timeZone: "Europe/Berln" is not an IANA time zone such as "Europe/Berlin"',
    ],
    [
      'an empty scope',
      WINDOW.replace('{all: true}', '{}'),
      'gates.yaml:8:10 INVALID_VALUE spec.scope: is empty: name something, or write all: true',
    ],
    [
      'a selector',
      WINDOW.replace('{all: true}', '{applications: {selector: "a in b"}}'),
      'gates.yaml:8:36 INVALID_VALUE spec.scope.applications.selector: "a in b" is no requirement: write key=value, key in (a,b), key or !key',
    ],
    [
      'a kind',
      WINDOW.replace('deny', 'dney'),
      'gates.yaml:5:9 INVALID_VALUE spec.kind is "dney"; it must be one of "allow", "deny"',
    ],
    ['a field', WINDOW.replace('schedule:', 'cron:'), 'gates.yaml:4:1 MISSING_FIELD spec.schedule is missing'],
    [
      'an end before the beginning',
      FREEZE.replace('2027-01-03', '2026-12-17'),
      'gates.yaml:9:35 INVALID_VALUE spec.when[0].through: 2026-12-17 is not after 2026-12-18',
    ],
    [
      'fields that do not go together',
      FREEZE.replace('through:', 'duration: P1D, through:'),
      'gates.yaml:9:26 UNKNOWN_FIELD duration does not go with from',
    ],
    [
      'two forms at once',
      FREEZE.replace('{from:', '{calendar: a, from:'),
      'gates.yaml:9:5 INVALID_VALUE spec.when[0] must have exactly one of from (with until or through), yearly, rrule (with duration) or calendar',
    ],
    [
      'a recurrence without a duration',
      FREEZE.replace(/\{from.*/, '{rrule: FREQ=DAILY}'),
      'gates.yaml:9:5 MISSING_FIELD spec.when[0].duration is missing',
    ],
    [
      'a grace period',
      `${FREEZE}  gracePeriod: soon\n`,
      'gates.yaml:10:16 INVALID_VALUE spec.gracePeriod: "soon" is no duration such as 15m',
    ],
    [
      'an announcement',
      `${FREEZE}  announce: [1d]\n`,
      'gates.yaml:10:14 INVALID_VALUE spec.announce[0]: "1d" is no duration such as P1D or PT1H',
    ],
    [
      'a pattern of tickets',
      `${FREEZE}  breakGlass: {ticketPattern: "("}\n`,
      'gates.yaml:10:31 INVALID_VALUE spec.breakGlass.ticketPattern: "(" is no regular expression (RE2)',
    ],
  ])('%s', (_, text, expected) => {
    expect(mistakes(text)[0]).toBe(expected)
  })

  test('all of them are told', () => {
    expect(mistakes(WINDOW.replace('0 22', '0 25').replace('8h', '-8h').replace('{all: true}', '{}'))).toHaveLength(3)
  })
})

describe('windows of a Project', () => {
  const project = (window: string) =>
    `apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop}\nspec:\n  syncWindows:\n  - ${window}\n  - {kind: allow, schedule: "0 0 * * *", duration: 1h, applications: [a]}\n`

  test.each<[string, string, string[]]>([
    ['sound', '{kind: deny, schedule: "0 0 * * *", duration: 1h, applications: [a]}', []],
    [
      'a schedule',
      '{kind: deny, schedule: "* * * * 7", duration: 1h, applications: [a]}',
      [
        'gates.yaml:6:28 INVALID_VALUE spec.syncWindows[0].schedule: cannot parse schedule "* * * * 7", character 9: 7 is no day of the week: Sunday is 0 or sun',
      ],
    ],
    [
      'a window for nobody',
      '{kind: deny, schedule: "0 0 * * *", duration: 1h}',
      [
        'gates.yaml:6:5 WINDOW_WITHOUT_EFFECT spec.syncWindows[0]: requires one of application, cluster or namespace: without one it concerns nobody',
      ],
    ],
    [
      'the same twice',
      '{kind: allow, schedule: "0 0 * * *", duration: 1h, applications: [a], manualSync: true}',
      ['gates.yaml:7:5 INVALID_VALUE spec.syncWindows[1]: the same window already exists as the first of the list'],
    ],
  ])('%s', (_, window, expected) => {
    expect(mistakes(project(window))).toEqual(expected)
    const { fleet } = loadText(project(window))
    expect(fleet.projects.map(({ name }) => name)).toEqual(['shop'])
    expect(gateRules(fleet).windows.map(({ name, within }) => [name, within])).toEqual([
      ['Project/shop syncWindows[0]', ['shop']],
      ['Project/shop syncWindows[1]', ['shop']],
    ])
  })
})

describe('docs/gates.md', () => {
  const text = readFileSync(new URL('../../../docs/gates.md', import.meta.url), 'utf8')
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!)

  test.each(examples)('an example is sound: %s', yaml => {
    expect(mistakes(yaml)).toEqual([])
    const { fleet } = loadText(yaml)
    const compiled = compileRules(gateRules(fleet)).rules
    expect(compiled.length).toBeGreaterThan(0)
    expect(compiled.flatMap(rule => rule.mistakes)).toEqual([])
  })
})

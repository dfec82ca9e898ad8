import { describe, expect, test } from 'vitest'
import { isoTime } from '../time/epoch-ms.ts'
import { parseInstant } from './civil-time.ts'
import { compileRules } from './compile-rules.ts'
import { decide, type GateQuestion, nextChange } from './decide.ts'
import type { FreezeRule, GateRules, GateTarget, OverrideRule, WindowRule } from './rules.ts'

const at = (text: string): number => parseInstant(`${text}:00Z`)!

const SHOP: GateTarget = {
  name: 'checkout',
  project: 'shop',
  set: 'shops',
  labels: { tier: 'gold' },
  destination: { name: 'eu-1', namespace: 'checkout' },
  cluster: {
    name: 'eu-1',
    servers: ['https://eu-1.example.com'],
    labels: { env: 'prod' },
    environment: 'prod',
    timeZone: 'Europe/Berlin',
  },
}

const FREEZE: FreezeRule = {
  name: 'FreezePeriod/year-end',
  level: 'organisation',
  freeze: 'hard',
  reason: 'Year-end closing',
  scope: { all: true },
  when: [{ from: '2026-12-18T18:00', until: '2027-01-04T06:00' }],
  timeZone: 'Europe/Berlin',
}

const NIGHTS: WindowRule = {
  name: 'SyncWindow/nights',
  level: 'team',
  kind: 'allow',
  schedule: '0 22 * * *',
  duration: '8h',
  timeZone: 'Europe/Berlin',
  select: { kind: 'scope', scope: { projects: ['shop'] } },
}

const OVERRIDE: OverrideRule = {
  name: 'Override/inc-4711',
  scope: { applications: { names: ['checkout'] } },
  covers: ['freeze', 'window'],
  actions: ['sync'],
  from: at('2026-12-20T12:00'),
  until: at('2026-12-20T14:00'),
  reason: 'INC-4711 card payments fail',
  requestedBy: 'anna',
  approvals: [{ by: 'bela', at: at('2026-12-20T11:55') }],
  uses: 0,
}

function ask(rules: Partial<GateRules>, time: string, question: Partial<GateQuestion> = {}, target = SHOP) {
  const compiled = compileRules({ windows: [], freezes: [], ...rules })
  return decide(compiled, target, at(time), { trigger: 'automated', ...question })
}

function shown(decision: ReturnType<typeof decide>): string {
  const blockers = decision.layers.flatMap(layer => layer.blockers)
  const list = blockers.map(({ code, opensAt }) => (opensAt === undefined ? code : `${code} until ${isoTime(opensAt)}`))
  return `${decision.allowed ? 'open' : 'closed'}${list.length > 0 ? `: ${list.join(', ')}` : ''}`
}

describe('a decision names everything that holds, and when each lets go', () => {
  test('nothing concerns it', () => {
    expect(ask({}, '2026-12-20T12:00')).toEqual({
      allowed: true,
      layers: [
        { name: 'freeze', allowed: true, blockers: [] },
        { name: 'window', allowed: true, blockers: [] },
      ],
      reasonRequired: false,
      evaluatedAt: at('2026-12-20T12:00'),
    })
  })

  test('both layers are told, not only the first that holds', () => {
    const decision = ask({ windows: [NIGHTS], freezes: [FREEZE] }, '2026-12-20T12:00')
    expect(shown(decision)).toBe(
      'closed: FREEZE_HARD until 2027-01-04T05:00:00.000Z, WINDOW_NOT_OPEN until 2026-12-20T21:00:00.000Z',
    )
    // The freeze ends at six, when the night's window ends too: it opens with the next one.
    expect(isoTime(decision.nextChange!)).toBe('2027-01-04T21:00:00.000Z')
  })

  test.each<[string, string, string]>([
    ['its first instant is in it', '2026-12-18T17:00', 'closed: FREEZE_HARD until 2027-01-04T05:00:00.000Z'],
    ['the instant before is not', '2026-12-18T16:59', 'open'],
    ['its end is not', '2027-01-04T05:00', 'open'],
  ])('a freeze is half-open: %s', (_, time, expected) => {
    expect(shown(ask({ freezes: [FREEZE] }, time))).toBe(expected)
  })

  test('manual starts pass a soft freeze with a reason; automated ones do not', () => {
    const rules = { freezes: [{ ...FREEZE, freeze: 'soft' as const }] }
    expect(shown(ask(rules, '2026-12-20T12:00'))).toContain('FREEZE_SOFT')
    const manual = ask(rules, '2026-12-20T12:00', { trigger: 'manual' })
    expect([manual.allowed, manual.reasonRequired]).toEqual([true, true])
  })

  test('what a freeze does not block goes on', () => {
    const rules = { freezes: [{ ...FREEZE, blocks: ['sync' as const] }] }
    expect(ask(rules, '2026-12-20T12:00', { action: 'delete-app' }).allowed).toBe(true)
    expect(ask({ freezes: [FREEZE] }, '2026-12-20T12:00', { action: 'delete-app' }).allowed).toBe(false)
    expect(ask({ freezes: [FREEZE] }, '2026-12-20T12:00', { action: 'actions' }).allowed).toBe(true)
    expect(ask({ windows: [NIGHTS] }, '2026-12-20T12:00', { action: 'delete-app' }).allowed).toBe(true)
  })

  test('a freeze may let self-heal go on, to the digest that is in force and no other', () => {
    const rules = { freezes: [{ ...FREEZE, selfHeal: 'continue' as const }] }
    const heal = (bundle: string) =>
      ask(rules, '2026-12-20T12:00', { trigger: 'self-heal', bundle, syncedBundle: 'sha256:a' }).allowed
    expect([heal('sha256:a'), heal('sha256:b')]).toEqual([true, false])
    const pausing = { freezes: [FREEZE] }
    expect(ask(pausing, '2026-12-20T12:00', { trigger: 'self-heal', bundle: 'a', syncedBundle: 'a' }).allowed).toBe(
      false,
    )
  })

  test('an operation may finish in a window that lets it, if it was allowed to start', () => {
    const window = { ...NIGHTS, syncOverrun: true }
    const running = (start: string, rule: WindowRule = window) =>
      ask({ windows: [rule] }, '2026-12-20T06:00', { operationStart: at(start) }).allowed
    expect(running('2026-12-20T04:50')).toBe(true)
    expect(running('2026-12-19T20:50')).toBe(false)
    expect(running('2026-12-20T04:50', NIGHTS)).toBe(false)
  })

  test('without the permission the layer says so, and the rest is told all the same', () => {
    const decision = ask({ freezes: [FREEZE] }, '2026-12-20T12:00', { permitted: false })
    expect(decision.layers.map(({ name, allowed }) => `${name} ${allowed}`)).toEqual([
      'permission false',
      'freeze false',
      'window true',
    ])
  })
})

describe('whom a rule concerns', () => {
  const held = (freeze: Partial<FreezeRule>, target = SHOP) =>
    !ask({ freezes: [{ ...FREEZE, ...freeze }] }, '2026-12-20T12:00', {}, target).allowed
  const { cluster: _, ...unplaced } = SHOP

  test.each<[string, FreezeRule['scope'], boolean]>([
    ['a project by glob', { projects: ['sh*'] }, true],
    ['another project', { projects: ['bank'] }, false],
    ['any of a list', { projects: ['bank', 'shop'] }, true],
    ['all of the keys', { projects: ['shop'], environments: ['dev'] }, false],
    ['the cluster by the name that its document has', { clusters: { names: ['eu-*'] } }, true],
    ['the cluster by a server that it stands for', { clusters: { names: ['https://eu-1.example.com'] } }, true],
    ['the cluster by a label', { clusters: { selector: 'env in (prod,stage)' } }, true],
    ['the cluster by a label that it has not', { clusters: { names: ['*'], selector: '!env' } }, false],
    ['labels of the Application', { applications: { selector: 'tier=gold' } }, true],
    ['name and labels', { applications: { names: ['cart'], selector: 'tier=gold' } }, false],
    ['the namespace', { namespaces: ['check*'] }, true],
    ['the set', { sets: ['shops'] }, true],
    ['the environment', { environments: ['prod'] }, true],
  ])('%s', (_, scope, expected) => {
    expect(held({ scope })).toBe(expected)
  })

  test('an Application without a declared cluster has neither environment nor labels', () => {
    expect(held({ scope: { environments: ['*'] } }, unplaced)).toBe(false)
    expect(held({ scope: { clusters: { names: ['eu-1'] } } }, unplaced)).toBe(true)
  })

  test('an exemption holds until it expires', () => {
    const exclude = [{ applications: { names: ['checkout'] }, reason: 'incidents', expires: '2026-12-20' }]
    const rules = { freezes: [{ ...FREEZE, exclude }] }
    expect(ask(rules, '2026-12-19T22:59').allowed).toBe(true)
    expect(isoTime(ask(rules, '2026-12-19T12:00').nextChange!)).toBe('2026-12-19T23:00:00.000Z')
    expect(ask(rules, '2026-12-19T23:00').allowed).toBe(false)
  })

  test('who is exempt from one freeze is held by another', () => {
    const exclude = [{ projects: ['shop'], reason: 'shops sell' }]
    const other = { ...FREEZE, name: 'FreezePeriod/other' }
    const blockers = ask({ freezes: [{ ...FREEZE, exclude }, other] }, '2026-12-20T12:00').layers[0]!.blockers
    expect(blockers.map(({ rule }) => rule)).toEqual(['FreezePeriod/other'])
  })

  test('the zone of the cluster, and of the organisation where it has none', () => {
    const rules = { freezes: [{ ...FREEZE, timeZone: 'cluster' }], defaultTimeZone: 'Asia/Tokyo' }
    expect(ask(rules, '2026-12-18T16:59').allowed).toBe(true)
    expect(ask(rules, '2026-12-18T17:00').allowed).toBe(false)
    expect(ask(rules, '2026-12-18T09:00', {}, unplaced).allowed).toBe(false)
  })
})

describe('a rule that cannot be evaluated closes what it may concern', () => {
  const bank = { ...SHOP, project: 'bank' }

  test.each<[string, Partial<WindowRule>, string]>([
    ['a schedule', { schedule: '0 25 * * *' }, '25 is no hour'],
    ['a schedule that never fires', { schedule: '0 0 30 2 *' }, 'names a day that never comes'],
    ['a duration', { duration: '2 days' }, 'cannot parse duration "2 days"'],
    ['a duration of nothing', { duration: '0s' }, 'not between nothing'],
    ['a kind', { kind: 'maybe' }, '"maybe" is neither allow nor deny'],
    ['a zone', { timeZone: 'Mars/Olympus' }, 'is not an IANA time zone'],
  ])('%s', (_, change, reason) => {
    const rules = { windows: [{ ...NIGHTS, ...change }] }
    const [blocker] = ask(rules, '2026-12-20T23:00', { trigger: 'manual' }).layers[0]!.blockers
    expect(blocker).toMatchObject({ code: 'INDETERMINATE', rule: 'SyncWindow/nights' })
    expect(blocker!.reason).toContain(reason)
    expect(ask(rules, '2026-12-20T23:00', {}, bank).allowed).toBe(true)
  })

  test('without a scope that can be read: the whole project, or everything', () => {
    const broken = { applications: ['check[out'] }
    const select = { kind: 'argo' as const, scope: broken }
    expect(ask({ windows: [{ ...NIGHTS, select, within: ['shop'] }] }, '2026-12-20T23:00').allowed).toBe(false)
    expect(ask({ windows: [{ ...NIGHTS, select, within: ['shop'] }] }, '2026-12-20T23:00', {}, bank).allowed).toBe(true)
    expect(ask({ freezes: [{ ...FREEZE, scope: {} }] }, '2026-06-20T23:00', {}, bank).allowed).toBe(false)
  })

  test('a calendar that has never been loaded', () => {
    const freezes = [{ ...FREEZE, when: [{ calendar: 'holidays' }] }]
    expect(ask({ freezes }, '2026-06-01T00:00').layers[0]!.blockers[0]!.reason).toContain('has never been loaded')
    const calendars = [{ name: 'holidays', text: 'BEGIN:VCALENDAR\nEND:VCALENDAR\n' }]
    expect(ask({ freezes, calendars }, '2026-06-01T00:00').allowed).toBe(true)
  })
})

describe('overrides', () => {
  const rules = (override: Partial<OverrideRule> = {}, freeze: Partial<FreezeRule> = {}) => ({
    windows: [NIGHTS],
    freezes: [{ ...FREEZE, ...freeze }],
    overrides: [{ ...OVERRIDE, ...override }],
  })
  const manual = (given: Partial<GateRules>, time = '2026-12-20T12:00', question: Partial<GateQuestion> = {}) =>
    ask(given, time, { trigger: 'manual', ...question })

  test('opens what it covers, and says what it was used for', () => {
    const decision = manual(rules())
    expect(decision.allowed).toBe(true)
    expect(decision.override).toEqual({ names: ['Override/inc-4711'], used: ['freeze', 'window'] })
    expect(decision.layers.flatMap(layer => layer.blockers)).toHaveLength(2)
    expect(isoTime(decision.nextChange!)).toBe('2026-12-20T14:00:00.000Z')
  })

  test.each<[string, Partial<OverrideRule>, Partial<FreezeRule>]>([
    ['of another Application', { scope: { applications: { names: ['cart'] } } }, {}],
    ['that covers freezes alone', { covers: ['freeze'] }, {}],
    ['that covers windows alone', { covers: ['window'] }, {}],
    ['for another action', { actions: ['rollback'] }, {}],
    ['before it begins', { from: at('2026-12-20T12:01') }, {}],
    ['once it is over', { from: at('2026-12-20T10:00'), until: at('2026-12-20T12:00') }, {}],
    ['that nobody has approved', { approvals: [] }, {}],
    ['approved by who asked for it', { approvals: [{ by: 'anna', at: 0 }] }, {}],
    [
      'approved by one person twice where two are needed',
      {
        approvals: [
          { by: 'bela', at: 0 },
          { by: 'bela', at: 1 },
        ],
      },
      { breakGlass: { approvals: 2 } },
    ],
    ['that is used up', { maxUses: 3, uses: 3 }, {}],
    ['revoked', { revoked: true }, {}],
    ['bound to other content', { bundle: 'sha256:b' }, {}],
    ['longer than the freeze lets it be', {}, { breakGlass: { maxDuration: '1h' } }],
    ['where the freeze allows none', {}, { breakGlass: { allowed: false } }],
    ['whose scope cannot be read', { scope: {} }, {}],
  ])('does not open: one %s', (_, override, freeze) => {
    expect(manual(rules(override, freeze), undefined, { bundle: 'sha256:a' }).allowed).toBe(false)
  })

  test('that is not needed is not used, though another one is', () => {
    const given = rules({}, { freeze: 'soft' })
    const [freeze, window] = [
      { ...given.overrides[0]!, name: 'Override/freezes', covers: ['freeze'] as const },
      { ...given.overrides[0]!, name: 'Override/windows', covers: ['window'] as const },
    ]
    const decision = manual({ ...given, overrides: [freeze, window] })
    expect(decision.override).toEqual({ names: ['Override/windows'], used: ['window'] })
  })

  test('is for manual starts unless it says otherwise', () => {
    expect(ask(rules(), '2026-12-20T12:00').allowed).toBe(false)
    expect(ask(rules({ includeAutomated: true }), '2026-12-20T12:00').allowed).toBe(true)
  })

  test('never gives a permission', () => {
    expect(manual(rules(), undefined, { permitted: false }).allowed).toBe(false)
  })

  test('covers a rule that cannot be evaluated', () => {
    expect(manual(rules({}, { when: [] })).allowed).toBe(true)
  })
})

describe('the next change', () => {
  test('is the first of both triggers', () => {
    const compiled = compileRules({ windows: [{ ...NIGHTS, manualSync: true }], freezes: [FREEZE] })
    expect(isoTime(nextChange(compiled, SHOP, at('2026-12-18T12:00'))!)).toBe('2026-12-18T17:00:00.000Z')
  })

  test('is given up after 400 days', () => {
    const far = { ...FREEZE, when: [{ from: '2030-01-01', through: '2030-01-02' }] }
    expect(nextChange(compileRules({ windows: [], freezes: [far] }), SHOP, at('2026-12-18T12:00'))).toBeUndefined()
  })
})

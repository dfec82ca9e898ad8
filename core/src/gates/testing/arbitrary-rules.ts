import fc from 'fast-check'
import { HOUR_MS } from '../civil-time.ts'
import type { FreezeRule, GateRules, GateTarget, OverrideRule, WindowRule } from '../rules.ts'

/** Rules as the laws of the gates want them: few, near each other in time, and about one Application. */
export const START = Date.UTC(2026, 9, 23)
export const DAYS = 5

export const target: GateTarget = {
  name: 'checkout',
  project: 'shop',
  labels: { tier: 'gold' },
  destination: { name: 'eu-1', namespace: 'shop' },
  cluster: { name: 'eu-1', servers: [], labels: {}, environment: 'prod', timeZone: 'Europe/Berlin' },
}

const scope = fc.constantFrom({ all: true }, { projects: ['shop'] }, { projects: ['bank'] }, { environments: ['prod'] })
const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'cluster')

export const windowArbitrary: fc.Arbitrary<Omit<WindowRule, 'name'>> = fc.record({
  level: fc.constant('team' as const),
  kind: fc.constantFrom('allow', 'deny'),
  schedule: fc
    .tuple(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 23 }), fc.constantFrom('*', '0,6', 'mon-fri'))
    .map(([minute, hour, days]) => `${minute} ${hour} * * ${days}`),
  duration: fc.integer({ min: 1, max: 1500 }).map(minutes => `${minutes}m`),
  timeZone: zone,
  select: scope.map(each => ({ kind: 'scope' as const, scope: each })),
  manualSync: fc.boolean(),
  syncOverrun: fc.boolean(),
  rhythm: fc.constantFrom('', '', 'shop'),
})

const time = fc.integer({ min: -24, max: (DAYS + 1) * 24 }).map(hours => START + hours * HOUR_MS)
const shown = (at: number): string => new Date(at).toISOString()

export const freezeArbitrary: fc.Arbitrary<Omit<FreezeRule, 'name'>> = fc.record({
  level: fc.constant('organisation' as const),
  freeze: fc.constantFrom('hard' as const, 'soft' as const),
  reason: fc.constant('closing'),
  scope,
  when: fc
    .tuple(time, fc.integer({ min: 1, max: 60 }))
    .map(([from, hours]) => [{ from: shown(from).slice(0, 16), until: shown(from + hours * HOUR_MS).slice(0, 16) }]),
  timeZone: zone,
  exclude: fc.constantFrom<FreezeRule['exclude']>([], [{ projects: ['shop'], reason: 'sells', expires: '2026-10-25' }]),
  breakGlass: fc.constantFrom({ allowed: false }, { allowed: true, maxDuration: '100h' }),
  blocks: fc.constantFrom<FreezeRule['blocks']>(undefined, ['sync'], ['delete-app'], ['prune']),
  selfHeal: fc.constantFrom('pause' as const, 'continue' as const),
  inFlight: fc.constantFrom('finish' as const, 'pauseAtWave' as const, 'terminate' as const),
  gracePeriod: fc.constantFrom('15m', '0s', '3h'),
})

export const overrideArbitrary: fc.Arbitrary<OverrideRule> = fc.record({
  name: fc.constant('Override/one'),
  scope,
  covers: fc.subarray(['freeze' as const, 'window' as const], { minLength: 1 }),
  actions: fc.constant(['sync' as const]),
  from: time,
  until: time,
  includeAutomated: fc.boolean(),
  reason: fc.constant('it burns'),
  requestedBy: fc.constant('anna'),
  approvals: fc.constantFrom([], [{ by: 'bela', at: 0 }]),
  uses: fc.constant(0),
})

export const rulesArbitrary: fc.Arbitrary<GateRules> = fc.record({
  windows: fc
    .array(windowArbitrary, { maxLength: 4 })
    .map(list => list.map((one, index) => ({ ...one, name: `SyncWindow/${index}` }))),
  freezes: fc
    .array(freezeArbitrary, { maxLength: 3 })
    .map(list => list.map((one, index) => ({ ...one, name: `FreezePeriod/${index}` }))),
  overrides: fc.array(overrideArbitrary, { maxLength: 2 }),
})

export const instant = fc.integer({ min: 0, max: DAYS * 1440 - 1 }).map(minute => START + minute * 60_000 + 30_000)

import { type CompiledRules, compileRules } from '@flotilla/core/gates/compile-rules'
import { decide, nextChange } from '@flotilla/core/gates/decide'
import type { FreezeRule, GateCluster, GateRules, GateScope, GateTarget, WindowRule } from '@flotilla/core/gates/rules'
import { timeline } from '@flotilla/core/gates/timeline'
import type { Benchmark, Figure } from './figure.ts'

const APPLICATIONS = 10_000
const CLUSTERS = 100
const PROJECTS = 40
const ZONES = ['Europe/Berlin', 'America/New_York', 'UTC', 'Asia/Tokyo'] as const
const NOW = Date.UTC(2026, 10, 21, 12)
const DAY_MS = 86_400_000
const ROUNDS = 5

/** 10,000 Applications under 200 rules: half daily, a quarter weekly, 20 hourly, the rest dated. */
export const run: Benchmark = async () => {
  const targets = fleet()
  const rules = ruleSet()
  const first = measure(() => askAll(compileRules(rules), targets, NOW))
  const cold = median(() => {
    const compiled = compileRules(rules)
    return measure(() => askAll(compiled, targets, NOW)).ms
  })
  const compiled = compileRules(rules)
  askAll(compiled, targets, NOW)
  let minute = 0
  let edits = 0
  const again = median(() => measure(() => askAll(compiled, targets, NOW + ++minute * 60_000)).ms)
  const change = median(() => {
    const fresh = compileRules(rules)
    return measure(() => targets.map(target => nextChange(fresh, target, NOW))).ms
  })
  const edited = (index: number): number => {
    const known = compileRules(rules)
    for (const target of targets) nextChange(known, target, NOW)
    return median(() => {
      const again = withEdit(rules, index, ++edits)
      return measure(() => {
        const next = compileRules(again, known)
        for (const target of targets) nextChange(next, target, NOW)
      }).ms
    })
  }
  const oneEdit = edited(0)
  const fleetWide = edited(-1)
  const lines = median(() => {
    const fresh = compileRules(rules)
    return measure(() => targets.map(target => timeline(fresh, target, NOW, NOW + 90 * DAY_MS))).ms
  })
  return [
    figure('decisions for the fleet, the first of a process', first.ms),
    figure('decisions for the fleet, after a change of rules', cold, '< 150'),
    figure('decisions for the fleet, a minute later', again, '< 150'),
    figure('next change of every Application, cold', change, '< 1000'),
    figure('next change of every Application, after an edit of one rule of a Project', oneEdit, '< 20'),
    figure('next change of every Application, after an edit of a freeze of the whole fleet', fleetWide),
    figure('timeline of 90 days of every Application, cold', lines, '< 2000'),
  ]
}

function askAll(rules: CompiledRules, targets: readonly GateTarget[], now: number): number {
  return targets.filter(target => decide(rules, target, now, { trigger: 'automated' }).allowed).length
}

/** The same rules, but one: `-1` is the freeze of the whole fleet. */
function withEdit(rules: GateRules, index: number, edit: number): GateRules {
  if (index >= 0) {
    return {
      ...rules,
      windows: rules.windows.map((rule, at) => (at === index ? { ...rule, duration: `${60 + edit}m` } : rule)),
    }
  }
  const until = `2027-01-${String(3 + edit).padStart(2, '0')}`
  return {
    ...rules,
    freezes: rules.freezes.map((rule, at) =>
      at === 0 ? { ...rule, when: [{ from: '2026-12-18', through: until }] } : rule,
    ),
  }
}

function measure<Result>(work: () => Result): { readonly ms: number; readonly result: Result } {
  const start = performance.now()
  const result = work()
  return { ms: performance.now() - start, result }
}

function median(work: () => number): number {
  return Array.from({ length: ROUNDS }, work).sort((a, b) => a - b)[ROUNDS >> 1]!
}

function figure(name: string, ms: number, target?: string): Figure {
  return { figure: name, unit: 'ms', value: Math.round(ms * 10) / 10, ...(target === undefined ? {} : { target }) }
}

function fleet(): readonly GateTarget[] {
  const clusters = Array.from({ length: CLUSTERS }, (_, index): GateCluster => {
    const environment = index % 3 === 0 ? 'prod' : 'dev'
    const timeZone = ZONES[index % ZONES.length]!
    return { name: `cluster-${index}`, servers: [], labels: { env: environment }, environment, timeZone }
  })
  return Array.from({ length: APPLICATIONS }, (_, index): GateTarget => {
    const unit = Math.floor(index / CLUSTERS)
    const cluster = clusters[index % CLUSTERS]!
    return {
      name: `app-${unit}-${cluster.name}`,
      project: `team-${unit % PROJECTS}`,
      labels: { tier: unit % 2 === 0 ? 'gold' : 'silver' },
      destination: { name: cluster.name, namespace: `app-${unit}` },
      cluster,
    }
  })
}

function ruleSet(): GateRules {
  const scopes: readonly ((index: number) => GateScope)[] = [
    index => ({ projects: [`team-${index % PROJECTS}`] }),
    index => ({ clusters: { names: [`cluster-${index % CLUSTERS}`] } }),
    index => ({ applications: { names: [`app-${index % 50}-*`] } }),
    index => ({ environments: ['prod'], projects: [`team-${index % 20}`] }),
  ]
  const windows = Array.from({ length: 170 }, (_, index): WindowRule => {
    const rhythm =
      index < 100
        ? { schedule: `0 ${index % 24} * * *`, duration: '8h' }
        : index < 150
          ? { schedule: `30 ${index % 24} * * ${index % 7}`, duration: '20h' }
          : { schedule: `${index % 60} * * * *`, duration: '20m' }
    return {
      ...rhythm,
      name: `SyncWindow/window-${index}`,
      level: 'team',
      kind: index % 3 === 0 ? 'allow' : 'deny',
      timeZone: ZONES[index % ZONES.length]!,
      select: { kind: 'scope', scope: scopes[index % scopes.length]!(index) },
    }
  })
  const freezes = Array.from(
    { length: 30 },
    (_, index): FreezeRule => ({
      name: `FreezePeriod/freeze-${index}`,
      level: 'organisation',
      freeze: index % 2 === 0 ? 'hard' : 'soft',
      reason: 'closing',
      scope: index === 0 ? { all: true } : { projects: [`team-${index}`] },
      when: [{ from: '2026-12-18', through: '2027-01-03' }],
      timeZone: 'cluster',
    }),
  )
  return { windows, freezes }
}

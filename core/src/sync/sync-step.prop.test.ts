import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assessHealth } from '../health/assess-health.ts'
import type { JsonObject } from '../json/json.ts'
import { type KubernetesObject, objectKeyText } from '../model/kubernetes-object.ts'
import { KINDS, object, observation, ours, request } from '../plan/plan-fixture.ts'
import { comparePlaces, type Place } from '../plan/plan-order.ts'
import { intendSync, planSync } from '../plan/plan-sync.ts'
import type { HookAction, SyncPlan } from '../plan/sync-plan.ts'
import { hookObject, stateOf } from './hook-run.ts'
import { DEFAULT_RUN, type RunOptions } from './run-options.ts'
import type { Step } from './step-types.ts'
import { afterPerforming, FRESH_PROGRESS, type SyncProgress } from './sync-progress.ts'
import { stepSync } from './sync-step.ts'

const ARGO = 'argocd.argoproj.io'
const START = 1_800_000_000_000
const MOST_STEPS = 2_000

/** What becomes of a hook's Job in each of its runs. */
type Fate = 'succeeds' | 'fails'

interface Case {
  readonly objects: readonly KubernetesObject[]
  readonly old: readonly KubernetesObject[]
  readonly fates: { readonly [name: string]: readonly Fate[] }
  readonly retries: number
}

const waves = fc.constantFrom('-1', '0', '2')
const anyObject = fc
  .record({ name: fc.constantFrom('a', 'b', 'c', 'd'), kind: fc.constantFrom('ConfigMap', 'Secret'), wave: waves })
  .map(({ name, kind, wave }) => object(kind, name, { [`${ARGO}/sync-wave`]: wave }))
const anyHook = fc
  .record({
    name: fc.constantFrom('h1', 'h2', 'h3', 'h4'),
    phases: fc.constantFrom('PreSync', 'Sync', 'PostSync', 'SyncFail', 'PreSync,PostSync'),
    policy: fc.constantFrom('HookSucceeded', 'HookFailed', 'BeforeHookCreation'),
    retries: fc.constantFrom('0', '1'),
    rerun: fc.constantFrom('true', 'false'),
    wave: waves,
  })
  .map(({ name, phases, policy, retries, rerun, wave }) =>
    object('Job', name, {
      [`${ARGO}/hook`]: phases,
      [`${ARGO}/hook-delete-policy`]: policy,
      [`${ARGO}/sync-wave`]: wave,
      'flotilla.dev/hook-retries': retries,
      'flotilla.dev/hook-rerun-on-retry': rerun,
    }),
  )
const fate = fc.array(fc.constantFrom<Fate>('succeeds', 'fails'), { minLength: 1, maxLength: 4 })
const cases: fc.Arbitrary<Case> = fc
  .record({
    objects: fc.uniqueArray(anyObject, { maxLength: 6, selector: each => `${each.kind} ${each.metadata.name}` }),
    old: fc.uniqueArray(anyObject, { maxLength: 4, selector: each => `${each.kind} ${each.metadata.name}` }),
    hooks: fc.uniqueArray(anyHook, { maxLength: 4, selector: each => each.metadata.name ?? '' }),
    fates: fc.record({ h1: fate, h2: fate, h3: fate, h4: fate }),
    retries: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ objects, old, hooks, fates, retries }) => ({ objects: [...objects, ...hooks], old, fates, retries }))

interface Story {
  readonly phase: string
  readonly message: string
  readonly live: readonly string[]
  /** `PreSync/0 batch/Job shop/h1 #1`, as made. */
  readonly runs: readonly string[]
  readonly performed: readonly Place[]
}

describe('stepSync', () => {
  it('comes to the same end when everything but the stored progress is forgotten after every step', () => {
    fc.assert(
      fc.property(cases, each => {
        expect(tell(each, 'forgets')).toEqual(tell(each, 'remembers'))
      }),
    )
  })

  it('never makes one run of a hook twice, and never goes back to an earlier wave but to try again', () => {
    fc.assert(
      fc.property(cases, each => {
        const { runs, performed } = tell(each, 'remembers')
        expect(new Set(runs).size).toBe(runs.length)
        if (each.retries > 0) return
        for (const [index, place] of performed.entries()) {
          const before = performed[index - 1]
          if (before) expect(comparePlaces(before, place)).toBeLessThanOrEqual(0)
        }
      }),
    )
  })

  it('succeeds when every hook does in the end, and fails when one does not', () => {
    fc.assert(
      fc.property(cases, each => {
        const { phase, runs } = tell(each, 'remembers')
        const last = new Map(runs.map(run => [run.replace(/ #\d+$/, ''), run]))
        const failed = [...last].some(([turn, run]) => !turn.startsWith('SyncFail') && outcomeOf(each, run) === 'fails')
        expect(phase).toBe(failed ? 'Failed' : 'Succeeded')
      }),
    )
  })
})

function outcomeOf({ fates }: Case, run: string): Fate {
  const [, name = '', attempt = '1'] = /shop\/(\S+) #(\d+)$/.exec(run) ?? []
  const list = fates[name] ?? ['succeeds']
  return list[(Number(attempt) - 1) % list.length]!
}

/** Runs a whole operation against a little cluster in memory. */
function tell(each: Case, memory: 'remembers' | 'forgets'): Story {
  const live = new Map<string, KubernetesObject>()
  for (const old of each.old) add(live, ours(old))
  const inventory = observation([...live.values()]).inventory
  const intent = intendSync(request(each.objects, { kinds: KINDS }))
  const run: RunOptions = { ...DEFAULT_RUN, retry: { ...DEFAULT_RUN.retry, limit: each.retries } }
  const runs: string[] = []
  const performed: Place[] = []
  let progress: SyncProgress = FRESH_PROGRESS
  let checked: { readonly place: Place; readonly refused: readonly string[] } | undefined
  let now = START
  for (let count = 0; count < MOST_STEPS; count++) {
    const observed = { ...observation([...live.values()]), inventory }
    const choices = { confirmed: true, operation: { revision: 'abc', startedAt: START }, waves: progress.waves ?? [] }
    const { waves: _, ...others } = choices
    const plan = planSync(intent, observed, progress.waves ? choices : others)
    const step: Step = stepSync({
      operationId: 'op',
      plan,
      live,
      progress,
      run,
      startedAt: START,
      now,
      mayContinue: { kind: 'continue' },
      ...(checked ? { checked } : {}),
      appliedVersion: () => undefined,
      assess: live => assessHealth(live),
      mayRetry: true,
      jitter: 0,
    })
    progress = memory === 'forgets' ? (JSON.parse(JSON.stringify(step.progress)) as SyncProgress) : step.progress
    const { instruction } = step
    switch (instruction.kind) {
      case 'end':
        return { phase: step.phase, message: step.message, live: [...live.keys()].sort(), runs, performed }
      case 'wait':
        now += instruction.againInMs === undefined ? 1_000 : Math.min(instruction.againInMs, 1_000)
        finishJobs(each, live, plan, progress)
        break
      case 'check':
        checked = { place: instruction.work.place, refused: [] }
        continue
      case 'free':
        for (const { key } of instruction.hooks) add(live, withoutFinalizers(live.get(objectKeyText(key))!))
        break
      case 'remove':
        for (const { key } of instruction.hooks) live.delete(objectKeyText(key))
        break
      case 'perform': {
        performed.push(instruction.work.place)
        const hooks: HookAction[] = []
        for (const action of instruction.work.actions) {
          const name = objectKeyText(action.key)
          if (action.kind === 'prune') live.delete(name)
          if (action.kind === 'create' || action.kind === 'update') add(live, stored(action.object))
          if (action.kind !== 'hook') continue
          const { attempt } = stateOf(progress, action)
          runs.push(`${action.phase}/${action.wave} ${name} #${attempt}`)
          add(live, stored(hookObject('op', action, attempt)))
          hooks.push(action)
        }
        progress = afterPerforming(progress, { place: instruction.work.place, hooks, failures: [], now })
        break
      }
    }
    if (memory === 'forgets') checked = undefined
  }
  throw new Error(`no end after ${MOST_STEPS} steps`)
}

/** Time passes, and Jobs end as they are to. */
function finishJobs(each: Case, live: Map<string, KubernetesObject>, plan: SyncPlan, progress: SyncProgress): void {
  for (const action of plan.actions) {
    if (action.kind !== 'hook') continue
    const state = stateOf(progress, action)
    const job = live.get(objectKeyText(action.key))
    if (!job || state.state !== 'Running') continue
    const outcome = outcomeOf(each, `${objectKeyText(action.key)} #${state.attempt}`)
    const type = outcome === 'succeeds' ? 'Complete' : 'Failed'
    add(live, { ...job, status: { conditions: [{ type, status: 'True', message: `Job ${type}` }] } })
  }
}

function add(live: Map<string, KubernetesObject>, source: KubernetesObject): void {
  const { apiVersion, kind, metadata } = source
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
  live.set(objectKeyText({ group, kind, namespace: metadata.namespace ?? '', name: metadata.name ?? '' }), source)
}

function stored(source: KubernetesObject): KubernetesObject {
  const managedFields: readonly JsonObject[] = [{ manager: 'flotilla', operation: 'Apply' }]
  return { ...source, metadata: { ...source.metadata, uid: `uid-${source.metadata.name}`, managedFields } }
}

function withoutFinalizers(source: KubernetesObject): KubernetesObject {
  return { ...source, metadata: { ...source.metadata, finalizers: [] } }
}

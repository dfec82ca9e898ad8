import { forEachBounded } from '@flotilla/agents/bounded'
import { OPTIONS } from '@flotilla/agents/testing/documents'
import { textAt } from '@flotilla/core/json/read-json'
import { DEFAULT_RUN } from '@flotilla/core/sync/run-options'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, deployment, hookJob, object, wave } from './objects.ts'
import { requirements } from './requirement.ts'

const STUCK = { 'sim/ready': 'never' }
const SECOND_MS = 1_000
/** Of a machine with much else to do: what is due is done when it is its turn, and nothing is ever early. */
const LATE_MS = 60 * SECOND_MS
/** When a heal may follow the one before, in seconds since that one ended. */
const HEAL_WAITS = [0, 2, 6, 18, 54, 162, 300]
/** They wait for their Jobs most of the time. */
const KILLED_AT_ONCE = 24

requirements('operations', requirement => {
  requirement(29, 'a restart at any step comes to the same end, and no hook that ended runs twice', async first => {
    // A process leaves behind what it wrote: one that nobody kills says how much that is, others die before each write.
    await comesToItsEnd(first)
    expect(first.writes.length).toBeGreaterThan(15)
    await forEachBounded([...first.writes.keys()], KILLED_AT_ONCE, writes => comesToItsEnd(first.another(), writes))
  })

  requirement(30, 'termination in a hook of PreSync deletes that hook, and nothing is tried again', async bench => {
    await bench.start()
    const grant = bench.sync([hookJob('migrate', 'PreSync', { pod: STUCK }), configMap('a')], { run: {} })
    await bench.until('the hook runs', () => runs(bench, grant.id))
    bench.terminate(grant, 'ana')
    const ended = await bench.ended(grant)
    expect(ended).toMatchObject({ phase: 'Failed', message: 'Operation terminated by ana', terminatedBy: 'ana' })
    await bench.until('the hook is gone', async () => (await bench.read('Job', 'migrate', 'batch')) === undefined)
    expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
  })

  requirement(
    31,
    'a retry comes when it was announced: after 5, 10, 20, 40, 80, 160 and 180 s, each up to a fifth longer',
    async bench => {
      const waits = [5, 10, 20, 40, 80, 160, 180]
      await bench.start()
      const grant = bench.sync([object('v1', 'ConfigMap', 'Not_A_Name')], {
        run: { retry: { ...DEFAULT_RUN.retry, limit: waits.length } },
      })
      const asked = () => bench.dryRuns.filter(({ path }) => path.includes('Not_A_Name')).map(({ at }) => at)
      for (const [index, base] of waits.entries()) {
        const announced = () =>
          bench.hub.link.reports.find(({ operation }) => {
            return operation?.retryAt !== undefined && operation.attempts === index + 2
          })?.operation
        await bench.until(`attempt ${index + 2} is announced`, () => announced() !== undefined)
        const { retryAt: at = 0, message } = announced()!
        expect(message).toMatch(new RegExp(`\\. Retrying attempt #${index + 1} at \\d+:\\d\\d[AP]M\\.$`))
        await bench.skipTo(at)
        await bench.until(`attempt ${index + 2}`, () => asked().length > index + 1)
        const [before = 0, now = 0] = asked().slice(index)
        expect(now - at, `attempt ${index + 2}`).toBeGreaterThanOrEqual(0)
        expect(now - at, `attempt ${index + 2}`).toBeLessThan(LATE_MS)
        expect(now - before).toBeGreaterThanOrEqual(base * SECOND_MS)
        expect(now - before).toBeLessThan(base * 1.2 * SECOND_MS + LATE_MS)
      }
      expect(await bench.ended(grant)).toMatchObject({ phase: 'Failed', attempts: waits.length + 1 })
      expect(asked()).toHaveLength(waits.length + 1)
    },
  )

  requirement(31, 'a retry goes on at the wave that failed, and runs no hook again', async bench => {
    await bench.start()
    const elsewhere = `${bench.namespace}-later`
    const missing = { ...configMap('c'), metadata: { name: 'c', namespace: elsewhere, ...wave('2') } }
    const retry = { limit: 20, firstDelayMs: 1_000, factor: 1, longestDelayMs: 1_000 }
    const grant = bench.sync([hookJob('migrate', 'PreSync'), configMap('a', {}, wave('1')), missing], {
      run: { retry },
    })
    await bench.until('it is tried again', () => (bench.operation(grant.id)?.attempts ?? 1) > 2)
    await bench.client.create(object('v1', 'Namespace', elsewhere))
    await bench.succeeded(grant)
    const jobs = bench.writesOf(['jobs']).filter(write => write.startsWith('apply'))
    expect(jobs).toEqual([`apply jobs ${bench.namespace}/migrate`])
    expect(bench.writesOf().filter(write => write === `apply configmaps ${bench.namespace}/a`)).toHaveLength(1)
  })

  requirement(32, 'an empty source prunes nothing unless allowEmpty says so', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a'), configMap('b')]))
    await bench.ended(bench.sync([]))
    expect(await bench.read('ConfigMap', 'a')).toBeDefined()
    expect(bench.report?.objects).toMatchObject([{ reason: 'Extra' }, { reason: 'Extra' }])
    await bench.succeeded(bench.sync([], { options: { ...OPTIONS, allowEmpty: true } }))
    await bench.gone('ConfigMap', 'a')
  })

  requirement(32, 'more than half of many objects is pruned only when somebody asks for it', async bench => {
    const all = Array.from({ length: 10 }, (_, index) => configMap(`c-${index}`))
    await bench.start()
    await bench.succeeded(bench.sync(all))
    await bench.ended(bench.sync(all.slice(0, 4)))
    expect(await bench.read('ConfigMap', 'c-9')).toBeDefined()
    const offer = bench.hub.link.held().get(bench.application.id)!
    const grant = bench.hub.grant(offer, { trigger: 'manual' })
    bench.hub.link.changed()
    await bench.succeeded(grant)
    await bench.gone('ConfigMap', 'c-9')
    expect(await bench.read('ConfigMap', 'c-3')).toBeDefined()
  })

  requirement(
    33,
    'self-heal waits 0, 2, 6, 18, 54, 162, 300 s and no longer, and begins anew after a quiet hour',
    async bench => {
      await bench.start()
      await bench.succeeded(bench.sync([configMap('a', { x: 'wanted' })]))
      await isHealedAfter(bench, [...HEAL_WAITS, 300])
      await bench.skipTo(heals(bench).at(-1)!.finishedAt! + 3_600 * SECOND_MS)
      await isHealedAfter(bench, [0, 2, 6])
      // A heal is one write, and between them nothing was asked for.
      const healed = heals(bench).map(() => `apply configmaps ${bench.namespace}/a`)
      expect(bench.writesOf().slice(-healed.length)).toEqual(healed)
    },
  )

  requirement(33, 'self-heal begins anew with a new revision, and with a sync that somebody asks for', async bench => {
    const objects = [configMap('a', { x: 'wanted' })]
    await bench.start()
    await bench.succeeded(bench.sync(objects))
    // The next of this count would come after 162 s.
    await isHealedAfter(bench, HEAL_WAITS.slice(0, 5))
    objects.push(configMap('b'))
    await bench.succeeded(bench.sync(objects))
    await isHealedAfter(bench, HEAL_WAITS.slice(0, 5))
    const grant = bench.hub.grant(bench.offer(objects), { trigger: 'manual' })
    bench.hub.link.changed()
    await bench.succeeded(grant)
    await isHealedAfter(bench, [0, 2])
  })

  requirement(
    35,
    'an operation is paused before a wave while a window is closed, says until when, and goes on',
    async bench => {
      await bench.start()
      const grant = bench.sync([hookJob('migrate', 'PreSync', { pod: { 'sim/run-for': '2s' } }), configMap('a')])
      await bench.until('the hook runs', () => runs(bench, grant.id))
      const to = bench.clock.now() + 3_600 * SECOND_MS
      bench.hub.calendar({ intervals: [closed(bench, to)] })
      bench.hub.link.changed()
      await bench.until('it is paused', () => bench.operation(grant.id)?.phase === 'Paused')
      expect(bench.operation(grant.id)).toMatchObject({
        resumesAt: to,
        message: expect.stringMatching(/^paused before wave 0: closed by/),
      })
      expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
      // The window is made to end soon; nothing is said when it does.
      const soon = bench.clock.now() + 2 * SECOND_MS
      bench.hub.calendar({ intervals: [closed(bench, soon)] })
      bench.hub.link.changed()
      await bench.succeeded(grant)
      expect(bench.clock.now()).toBeGreaterThanOrEqual(soon)
    },
  )

  requirement(35, 'terminating works while a window is closed', async bench => {
    await bench.start()
    const grant = bench.sync([hookJob('migrate', 'PreSync', { pod: { 'sim/run-for': '1s' } }), configMap('a')])
    await bench.until('the hook runs', () => runs(bench, grant.id))
    bench.hub.calendar({ intervals: [closed(bench, bench.clock.now() + 3_600 * SECOND_MS)] })
    bench.hub.link.changed()
    await bench.until('it is paused', () => bench.operation(grant.id)?.phase === 'Paused')
    bench.terminate(grant, 'ana')
    expect(await bench.ended(grant)).toMatchObject({ phase: 'Failed', message: 'Operation terminated by ana' })
  })

  requirement(35, 'a window that ends what runs ends it, and deletes the hook that runs', async bench => {
    await bench.start()
    const grant = bench.sync([hookJob('migrate', 'PreSync', { pod: STUCK }), configMap('a')])
    await bench.until('the hook runs', () => runs(bench, grant.id))
    bench.hub.calendar({ intervals: [{ ...closed(bench, bench.clock.now() + 3_600 * SECOND_MS), inFlight: 'abort' }] })
    bench.hub.link.changed()
    expect(await bench.ended(grant)).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^Operation terminated: closed by freeze rule freeze-1/),
    })
    await bench.until('the hook is gone', async () => (await bench.read('Job', 'migrate', 'batch')) === undefined)
    expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
  })

  requirement(35, 'a newer Offer that may start takes the place of what only waits, and not of a hook', async bench => {
    await bench.start()
    const spec = { metadata: { annotations: STUCK } }
    const web = deployment('web', 'registry.example/web:1', 1, wave('1'))
    const template = {
      ...(web['spec'] as { template: object }).template,
      ...spec,
      metadata: { labels: { app: 'web' }, ...spec.metadata },
    }
    const stuck = { ...web, spec: { ...(web['spec'] as object), template } } as typeof web
    const waiting = bench.sync([stuck, configMap('a', {}, wave('2'))])
    await bench.until('it waits', () => bench.operation(waiting.id)?.message.startsWith('waiting for healthy') ?? false)
    const second = bench.sync([hookJob('migrate', 'PreSync', { pod: { 'sim/run-for': '4s' } }), configMap('a')])
    expect(await bench.ended(waiting)).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/replaced it before it ended/),
    })
    await bench.until('the hook runs', () => runs(bench, second.id))
    const third = bench.sync([configMap('a', { third: 'yes' })])
    await bench.succeeded(third)
    const hook = bench.operation(second.id)?.results.find(({ hook }) => hook !== undefined)
    expect(hook?.hook).toBe('Succeeded')
  })

  requirement(
    36,
    'a rollback puts back what was, runs no hook, deletes nothing unasked, and is what is healed to',
    async bench => {
      const hook = () =>
        hookJob('migrate', 'PreSync', { annotations: { 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded' } })
      await bench.start()
      const before = [hook(), configMap('a', { version: 'one' }), configMap('b')]
      await bench.succeeded(bench.sync(before))
      await bench.succeeded(bench.sync([hook(), configMap('a', { version: 'two' }), configMap('c')]))
      await bench.gone('ConfigMap', 'b')
      const jobs = bench.writesOf(['jobs']).length
      const back = (prune: boolean) => {
        const options = { dryRun: false, prune, revision: 'abc', skipHooks: true } as const
        const grant = bench.hub.grant(bench.offer(before), { trigger: 'manual', options, must: ['options.skipHooks'] })
        bench.hub.link.changed()
        return bench.succeeded(grant)
      }
      await back(false)
      const versionOf = async () => textAt(await bench.read('ConfigMap', 'a'), 'data', 'version')
      expect(await versionOf()).toBe('one')
      expect(await bench.read('ConfigMap', 'b')).toBeDefined()
      expect(await bench.read('ConfigMap', 'c')).toBeDefined()
      expect(bench.writesOf(['jobs'])).toHaveLength(jobs)
      const body = [{ op: 'replace', path: '/data/version', value: 'three' }]
      await bench.client.patchJson(bench.key('ConfigMap', 'a'), 'v1', body)
      await bench.until('it is healed to what was put back', async () => (await versionOf()) === 'one')
      await back(true)
      await bench.gone('ConfigMap', 'c')
      expect(bench.writesOf(['jobs'])).toHaveLength(jobs)
    },
  )

  requirement(
    5,
    'an Application is removed wave by wave, highest first, with its hooks before and after',
    async bench => {
      await bench.start()
      await bench.succeeded(
        bench.sync([
          configMap('early', {}, wave('-1')),
          configMap('late', {}, wave('5')),
          deployment('web'),
          hookJob('goodbye', 'PreDelete'),
          hookJob('gone', 'PostDelete'),
        ]),
      )
      expect(await bench.read('Job', 'goodbye', 'batch')).toBeUndefined()
      // The Bundle is not there any more, nor is the process that knew it.
      bench.hub.link.bundles.clear()
      await bench.restart()
      bench.writes.length = 0
      bench.hub.grant(bench.hub.tombstone({ application: bench.application }))
      bench.hub.link.changed()
      await bench.until('it is gone', () => bench.report?.gone ?? false)
      const order = bench.writesOf(['configmaps', 'deployments', 'jobs']).filter(write => !write.startsWith('patch'))
      expect([...new Set(order)].map(write => write.replace(`${bench.namespace}/`, ''))).toEqual([
        'apply jobs goodbye',
        'delete configmaps late',
        'delete deployments web',
        'delete configmaps early',
        'apply jobs gone',
      ])
      const secret = await bench.read(
        'Secret',
        `flotilla-removal-hooks-${bench.application.id}`,
        '',
        `${bench.namespace}-agent`,
      )
      expect(secret).toBeUndefined()
    },
  )

  requirement(
    5,
    'a hook of PreDelete that fails is made anew, and nothing is removed before it succeeds',
    async bench => {
      await bench.start()
      await bench.succeeded(
        bench.sync([configMap('a'), hookJob('goodbye', 'PreDelete', { pod: { 'sim/outcome': 'fail' } })]),
      )
      const grant = bench.hub.grant(bench.hub.tombstone({ application: bench.application }))
      bench.hub.link.changed()
      await bench.until('it is to be tried again', () => (bench.operation(grant.id)?.attempts ?? 1) > 1)
      expect(bench.operation(grant.id)?.message).toMatch(/Retrying attempt #1/)
      expect(await bench.read('ConfigMap', 'a')).toBeDefined()
      await bench.untilTriedAgain('the Job is made anew', () => {
        return bench.writesOf(['jobs']).filter(write => write.startsWith('apply')).length > 1
      })
      expect(await bench.read('ConfigMap', 'a')).toBeDefined()
    },
  )
})

/** A sync with hooks and waves whose process is killed after so many writes, if at all, and then comes back. */
async function comesToItsEnd(bench: Bench, writes = Number.POSITIVE_INFINITY): Promise<void> {
  await bench.start({ writes })
  const grant = bench.sync([
    hookJob('migrate', 'PreSync'),
    configMap('a'),
    deployment('web', 'registry.example/web:1', 1, wave('1')),
    configMap('b', {}, wave('2')),
    hookJob('notify', 'PostSync', { annotations: { 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded' } }),
  ])
  if (writes < Number.POSITIVE_INFINITY) {
    const over = () => bench.operation(grant.id)?.finishedAt !== undefined
    await bench.until('the process is dead or done', () => bench.dead || over())
    await bench.restart()
  }
  await bench.succeeded(grant)
  const notify = () => bench.read('Job', 'notify', 'batch')
  await bench.until('the last hook is gone', async () => (await notify()) === undefined)
  await bench.stop()
  const jobs = bench.writesOf(['jobs']).map(write => write.replace(`${bench.namespace}/`, ''))
  // Nothing but the one clearing away at the end, however often it had to be asked for.
  expect(new Set(jobs), `killed after ${writes} writes`).toEqual(
    new Set([
      ...['apply jobs migrate', 'patch jobs migrate', 'apply jobs notify', 'patch jobs notify'],
      'delete jobs notify',
    ]),
  )
  expect(await bench.read('ConfigMap', 'b')).toBeDefined()
  expect(textAt(await bench.read('Job', 'migrate', 'batch'), 'metadata', 'deletionTimestamp')).toBe('')
}

function runs(bench: Bench, id: string): boolean {
  return bench.operation(id)?.results.some(({ hook }) => hook === 'Running') ?? false
}

/** Edits what is declared, each time after the last was healed: the heal comes when the wait is over, and not before. */
async function isHealedAfter(bench: Bench, waits: readonly number[]): Promise<void> {
  for (const seconds of waits) {
    const done = heals(bench)
    const told = bench.hub.link.reports.length
    await edit(bench)
    const edited = bench.clock.now()
    // The wait counts from the end of the heal before, and what drifts after it is healed at once.
    const due = Math.max(edited, (done.at(-1)?.finishedAt ?? 0) + seconds * SECOND_MS)
    await bench.until('the drift is told, or healed', () => {
      const drifted = bench.hub.link.reports.slice(told).some(({ sync }) => sync.status === 'OutOfSync')
      return drifted || heals(bench).length > done.length
    })
    await bench.skipTo(due)
    await bench.until(`a heal after ${seconds} s`, () => {
      return heals(bench).length > done.length && bench.report?.sync.status === 'Synced'
    })
    const { startedAt } = heals(bench)[done.length]!
    expect(startedAt, `a heal after ${seconds} s`).toBeGreaterThan(due - SECOND_MS)
    expect(startedAt, `a heal after ${seconds} s`).toBeLessThan(due + LATE_MS)
  }
}

/** Heals that have ended, as they were reported, in their order. */
function heals(bench: Bench) {
  const ended = bench.hub.link.reports.flatMap(({ operation }) =>
    operation?.trigger === 'heal' && operation.finishedAt !== undefined ? [[operation.id, operation] as const] : [],
  )
  return [...new Map(ended).values()]
}

function closed(bench: Bench, to: number) {
  return {
    applications: 'all' as const,
    from: bench.clock.now() - SECOND_MS,
    to,
    rule: 'freeze-1',
    layer: 'freeze',
    triggers: ['automated' as const, 'manual' as const],
    blocks: ['sync' as const],
    inFlight: 'pauseAtWave' as const,
    gracePeriodMs: 0,
    selfHeal: true,
  }
}

async function edit(bench: Bench): Promise<void> {
  const body = [{ op: 'replace', path: '/data/x', value: `edited ${Math.round(bench.clock.now())}` }]
  await bench.client.patchJson(bench.key('ConfigMap', 'a'), 'v1', body)
}

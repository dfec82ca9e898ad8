import { object as objectOf } from '@flotilla/agents/testing/documents'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { HOOK_FINALIZER } from '@flotilla/core/plan/read-hook'
import { DEFAULT_RUN } from '@flotilla/core/sync/run-options'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, deployment, hookJob, job, wave } from './objects.ts'
import { requirements } from './requirement.ts'

const FAILS = { 'sim/outcome': 'fail' }
const POLICY = 'argocd.argoproj.io/hook-delete-policy'
const ONCE = { retry: { ...DEFAULT_RUN.retry, limit: 0 } }

requirements('hooks', requirement => {
  requirement(6, 'a hook of SyncFail does not run on success', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a'), hookJob('sorry', 'SyncFail')]))
    expect(await bench.read('Job', 'sorry', 'batch')).toBeUndefined()
  })

  requirement(6, 'a hook of SyncFail runs once on a failure, and what failed is still told', async bench => {
    await bench.start()
    const grant = bench.sync([
      configMap('a'),
      hookJob('migrate', 'PreSync', { pod: FAILS }),
      hookJob('sorry', 'SyncFail'),
    ])
    const ended = await bench.ended(grant)
    expect(ended).toMatchObject({ phase: 'Failed' })
    expect(ended.message).toMatch(/^one or more synchronization tasks completed unsuccessfully, reason: /)
    expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(hookResult(ended, 'sorry')).toBe('Succeeded')
    expect(bench.writesOf(['jobs']).filter(write => write === `apply jobs ${bench.namespace}/sorry`)).toHaveLength(1)
  })

  requirement(6, 'a hook of SyncFail that fails adds its message to the first', async bench => {
    await bench.start()
    const ended = await bench.ended(
      bench.sync([hookJob('migrate', 'PreSync', { pod: FAILS }), hookJob('sorry', 'SyncFail', { pod: FAILS })]),
    )
    const [first, second] = ended.message.split('\n')
    expect(first).toMatch(/completed unsuccessfully/)
    expect(second).toMatch(/completed unsuccessfully/)
    expect(hookResult(ended, 'sorry')).toBe('Failed')
  })

  requirement(7, 'a hook with generateName keeps its name over many steps and a restart', async bench => {
    await bench.start()
    const { metadata, ...rest } = hookJob('', 'PreSync', { pod: { 'sim/run-for': '4s' } })
    const { name: _, ...others } = metadata
    const grant = bench.sync([
      { ...rest, apiVersion: 'batch/v1', kind: 'Job', metadata: { ...others, generateName: 'seed-' } },
      configMap('a'),
    ])
    await bench.until(
      'the hook runs',
      () => bench.operation(grant.id)?.results.some(({ hook }) => hook === 'Running') ?? false,
    )
    await bench.restart()
    const ended = await bench.succeeded(grant)
    const made = new Set(bench.writesOf(['jobs']).filter(write => write.startsWith('apply')))
    expect(made.size).toBe(1)
    const start = Math.floor(ended.startedAt / 1000)
    expect([...made][0]).toBe(`apply jobs ${bench.namespace}/seed-aaaaaaa-presync-${start}`)
  })

  requirement(8, 'a hook of PostSync does not run when wave 2 of Sync fails', async bench => {
    await bench.start()
    const broken = deployment('Not_A_Name', 'a:1', 1, wave('2'))
    const ended = await bench.ended(
      bench.sync([configMap('a', {}, wave('1')), broken, hookJob('notify', 'PostSync')], { run: ONCE }),
    )
    expect(ended.phase).toBe('Failed')
    expect(await bench.read('Job', 'notify', 'batch')).toBeUndefined()
  })

  requirement(8, 'a hook of PostSync waits until the last wave of Sync is healthy', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web'), hookJob('notify', 'PostSync')]))
    const web = await bench.read('Deployment', 'web', 'apps')
    const notify = await bench.read('Job', 'notify', 'batch')
    const available = listAt(web?.['status'], 'conditions').find(each => textAt(each, 'type') === 'Available')
    expect(Date.parse(notify?.metadata.creationTimestamp ?? '')).toBeGreaterThanOrEqual(
      Date.parse(textAt(available, 'lastTransitionTime')),
    )
  })

  requirement(9, 'a Job of HookSucceeded is there until the sync ends', async bench => {
    await bench.start()
    const grant = bench.sync([
      hookJob('migrate', 'PreSync', { annotations: { [POLICY]: 'HookSucceeded' } }),
      hookJob('later', 'Sync', { pod: { 'sim/run-for': '3s' } }),
      configMap('a'),
    ])
    await bench.until('the later hook runs', () => running(bench, grant.id, 'later'))
    expect((await bench.read('Job', 'migrate', 'batch'))?.metadata.finalizers ?? []).not.toContain(HOOK_FINALIZER)
    expect(await bench.read('Job', 'migrate', 'batch')).toBeDefined()
    await bench.succeeded(grant)
    await bench.until('it is gone', async () => (await bench.read('Job', 'migrate', 'batch')) === undefined)
    // The other has no such policy, and is there for people to look at.
    expect(await bench.read('Job', 'later', 'batch')).toBeDefined()
  })

  requirement(9, 'with hook-delete-at: phase it goes with its phase', async bench => {
    await bench.start()
    const annotations = { [POLICY]: 'HookSucceeded', 'flotilla.dev/hook-delete-at': 'phase' }
    const grant = bench.sync([
      hookJob('migrate', 'PreSync', { annotations }),
      hookJob('later', 'Sync', { pod: { 'sim/run-for': '4s' } }),
    ])
    await bench.until('the later hook runs', () => running(bench, grant.id, 'later'))
    await bench.until('it is gone', async () => (await bench.read('Job', 'migrate', 'batch')) === undefined)
    expect(running(bench, grant.id, 'later')).toBe(true)
    await bench.succeeded(grant)
  })

  requirement(9, 'HookFailed deletes what failed, and BeforeHookCreation what an earlier sync left', async bench => {
    await bench.start()
    const failing = hookJob('migrate', 'PreSync', { annotations: { [POLICY]: 'HookFailed' }, pod: FAILS })
    expect((await bench.ended(bench.sync([failing], { run: ONCE }))).phase).toBe('Failed')
    await bench.until('it is gone', async () => (await bench.read('Job', 'migrate', 'batch')) === undefined)
    await bench.succeeded(bench.sync([hookJob('migrate', 'PreSync')]))
    const first = (await bench.read('Job', 'migrate', 'batch'))?.metadata.uid
    await bench.succeeded(bench.sync([hookJob('migrate', 'PreSync'), configMap('a')]))
    const second = (await bench.read('Job', 'migrate', 'batch'))?.metadata.uid
    expect(second).toBeDefined()
    expect(second).not.toBe(first)
  })

  requirement(10, 'a hook of an unknown word is a mistake, and nothing is applied', async bench => {
    await bench.start()
    const ended = await bench.ended(bench.sync([configMap('a'), hookJob('migrate', 'PreSinc')], { run: ONCE }))
    expect(ended).toMatchObject({ phase: 'Failed' })
    expect(ended.message).toContain(
      'HOOK_INVALID: batch/Job migrate hook "PreSinc" is not known; did you mean "PreSync"?',
    )
    expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
  })

  requirement(10, 'a hook that nobody runs is neither applied nor pruned', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a'), configMap('kept')]))
    const skipped = {
      ...configMap('kept'),
      metadata: { name: 'kept', annotations: { 'argocd.argoproj.io/hook': 'Skip' } },
    }
    const test = { ...job('test'), metadata: { name: 'test', annotations: { 'helm.sh/hook': 'test' } } }
    await bench.succeeded(bench.sync([configMap('a'), skipped, test]))
    expect(await bench.read('ConfigMap', 'kept')).toBeDefined()
    expect(await bench.read('Job', 'test', 'batch')).toBeUndefined()
  })

  requirement(10, 'Helm’s hooks run where Helm would run them', async bench => {
    await bench.start()
    const helm = (name: string, hook: string, weight: string) => ({
      ...job(name),
      metadata: { name, annotations: { 'helm.sh/hook': hook, 'helm.sh/hook-weight': weight } },
    })
    await bench.succeeded(
      bench.sync([
        helm('after', 'post-install,post-upgrade', '0'),
        helm('second', 'pre-install,pre-upgrade', '5'),
        helm('first', 'pre-install', '-5'),
        configMap('a'),
      ]),
    )
    expect(bench.writesOf(['jobs', 'configmaps']).filter(write => write.startsWith('apply'))).toEqual([
      `apply jobs ${bench.namespace}/first`,
      `apply jobs ${bench.namespace}/second`,
      `apply configmaps ${bench.namespace}/a`,
      `apply jobs ${bench.namespace}/after`,
    ])
  })

  requirement(10, 'a hook is tried again as often as it says, and not for longer than it says', async bench => {
    await bench.start()
    const retries = { 'flotilla.dev/hook-retries': '2' }
    const ended = await bench.ended(
      bench.sync([hookJob('migrate', 'PreSync', { annotations: retries, pod: FAILS })], { run: ONCE }),
    )
    expect(ended.phase).toBe('Failed')
    expect(bench.writesOf(['jobs']).filter(write => write.startsWith('apply'))).toHaveLength(3)
    const slow = hookJob('slow', 'PreSync', {
      annotations: { 'flotilla.dev/hook-timeout': '2s' },
      pod: { 'sim/ready': 'never' },
    })
    const late = await bench.ended(bench.sync([slow], { run: ONCE }))
    expect(late.message).toContain('has not ended within 2 s')
  })

  requirement(10, 'an object of somebody else that bears a hook’s name is left alone', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a')]))
    await bench.client.create(
      objectOf('v1', 'ConfigMap', 'theirs', { metadata: { namespace: bench.namespace }, data: { a: '1' } }),
    )
    const hook = {
      ...configMap('theirs', { a: '2' }),
      metadata: { name: 'theirs', annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
    }
    const ended = await bench.ended(bench.sync([configMap('a'), hook], { run: ONCE }))
    expect(ended.message).toContain('exists already and is no hook of this Application')
    expect((await bench.read('ConfigMap', 'theirs'))?.['data']).toEqual({ a: '1' })
  })
})

function hookResult(
  ended: { readonly results: readonly { readonly key: { readonly name: string }; readonly hook?: string }[] },
  name: string,
) {
  return ended.results.find(({ key, hook }) => key.name === name && hook !== undefined)?.hook
}

function running(bench: Bench, id: string, name: string): boolean {
  return bench.operation(id)?.results.some(({ key, hook }) => key.name === name && hook === 'Running') ?? false
}

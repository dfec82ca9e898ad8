import { OPTIONS } from '@flotilla/agents/testing/documents'
import type { TombstonePayload } from '@flotilla/core/protocol/documents'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, hookJob, object } from './objects.ts'
import { applyAs, makeNamespace } from './others.ts'
import { requirements } from './requirement.ts'

const RBAC = 'rbac.authorization.k8s.io'
const WITHOUT_DELETE = ['get', 'list', 'watch', 'create', 'patch']

const accountOf = ({ namespace }: Bench, name = 'deployer') => `system:serviceaccount:${namespace}:${name}`

function sync(bench: Bench, objects: Parameters<Bench['sync']>[0]) {
  const ceiling = {
    clusterKindsAllowed: [{ group: '*', kind: '*' }],
    ...{ clusterKindsDenied: [], namespacedKindsDenied: [], namespaces: ['*'] },
    serviceAccount: accountOf(bench),
  }
  return bench.sync(objects, { ceiling, options: { ...OPTIONS, createNamespace: false, prune: true } })
}

/** An Application of two ConfigMaps, applied as an account that may do this much. */
async function deployed(bench: Bench, verbs: readonly string[]): Promise<void> {
  await makeNamespace(bench)
  await permit(bench, verbs)
  await bench.start()
  // The apiserver learns of rights from a watch of its own.
  const isApplied = async () => (await bench.ended(sync(bench, [configMap('a'), configMap('b')]))).phase === 'Succeeded'
  await bench.until('the account may write', isApplied)
}

function withdraw(bench: Bench, changes: Partial<TombstonePayload> = {}) {
  const { application } = bench
  const grant = bench.hub.grant(bench.hub.tombstone({ application, serviceAccount: accountOf(bench), ...changes }))
  bench.hub.link.changed()
  return grant
}

async function permit(bench: Bench, verbs: readonly string[]): Promise<void> {
  const rules = [{ apiGroups: ['', 'batch'], resources: ['configmaps', 'jobs', 'pods', 'pods/log'], verbs }]
  await applyAs(bench, 'admin', object(`${RBAC}/v1`, 'Role', 'deployer', { rules }))
  const roleRef = { apiGroup: RBAC, kind: 'Role', name: 'deployer' }
  const subjects = [{ kind: 'ServiceAccount', name: 'deployer', namespace: bench.namespace }]
  await applyAs(bench, 'admin', object(`${RBAC}/v1`, 'RoleBinding', 'deployer', { roleRef, subjects }))
}

/** As whom the agent asked for writes of this verb in the Application's namespace. */
function accountsOf(bench: Bench, verb: string): readonly (string | undefined)[] {
  const ours = bench.accounts.filter(
    ({ write }) => write.startsWith(`${verb} `) && write.includes(` ${bench.namespace}/`),
  )
  return [...new Set(ours.map(({ account }) => account))]
}

const operationText = (bench: Bench) => JSON.stringify(bench.report?.operation ?? {})

/** As whom things are removed: sync-engine.md 8. */
requirements('impersonation', requirement => {
  requirement('8', 'a prune is made as the Project’s account, and fails where that may not', async bench => {
    await deployed(bench, WITHOUT_DELETE)
    const refused = await bench.ended(sync(bench, [configMap('a')]))
    const message = expect.stringContaining(`User "${accountOf(bench)}" cannot delete`)
    expect(refused).toMatchObject({ phase: 'Failed', message })
    expect(await bench.read('ConfigMap', 'b')).toBeDefined()
    await permit(bench, [...WITHOUT_DELETE, 'delete'])
    await bench.until(
      'it is pruned',
      async () => (await bench.ended(sync(bench, [configMap('a')]))).phase === 'Succeeded',
    )
    await bench.gone('ConfigMap', 'b')
    expect(accountsOf(bench, 'delete')).toEqual([accountOf(bench)])
  })

  requirement(
    '8',
    'a withdrawn Application waits where the account may not remove it, and goes when it may',
    async bench => {
      await deployed(bench, WITHOUT_DELETE)
      withdraw(bench)
      const refusal = JSON.stringify(`User "${accountOf(bench)}" cannot delete`).slice(1, -1)
      await bench.until('it is said why it waits', () => operationText(bench).includes(refusal))
      expect(await bench.read('ConfigMap', 'a')).toBeDefined()
      expect(bench.report).toMatchObject({ gone: false })
      await permit(bench, [...WITHOUT_DELETE, 'delete'])
      await bench.untilTriedAgain('it is gone', () => bench.report?.gone ?? false)
      expect(await bench.read('ConfigMap', 'a')).toBeUndefined()
      expect(accountsOf(bench, 'delete')).toEqual([accountOf(bench)])
    },
  )

  requirement('8', 'an account that is gone is no reason for other rights', async bench => {
    await deployed(bench, [...WITHOUT_DELETE, 'delete'])
    const nobody = accountOf(bench, 'nobody')
    const grant = withdraw(bench, { serviceAccount: nobody })
    await bench.untilTriedAgain('it has tried again', () => (bench.operation(grant.id)?.attempts ?? 1) > 2)
    expect(operationText(bench)).toContain(nobody)
    expect(await bench.read('ConfigMap', 'a')).toBeDefined()
    expect(accountsOf(bench, 'delete')).toEqual([])
  })

  requirement('8', 'marks are taken off as the account', async bench => {
    await deployed(bench, WITHOUT_DELETE)
    bench.accounts.length = 0
    withdraw(bench, { policy: 'detach' })
    await bench.until('it is let go', () => bench.report?.gone ?? false)
    const left = await bench.read('ConfigMap', 'a')
    expect(left?.metadata.labels?.['flotilla.dev/application']).toBeUndefined()
    expect(left).toBeDefined()
    expect(accountsOf(bench, 'patch')).toEqual([accountOf(bench)])
  })

  requirement('8', 'what somebody deletes by hand is deleted as the account', async bench => {
    await deployed(bench, WITHOUT_DELETE)
    const key = bench.key('ConfigMap', 'a')
    const remove = async (id: string) => {
      const uid = (await bench.read('ConfigMap', 'a'))?.metadata.uid ?? ''
      bench.command(id, { verb: 'delete', object: key, uid }, 'ana')
      const answer = () => bench.hub.link.answers.find(each => each.id === id)
      await bench.until(`${id} is answered`, () => answer() !== undefined)
      return answer()?.outcome
    }
    expect(await remove('refused')).toBe('failed')
    expect(await bench.read('ConfigMap', 'a')).toBeDefined()
    await permit(bench, [...WITHOUT_DELETE, 'delete'])
    let attempts = 0
    await bench.until('it may', async () => (await remove(`again-${attempts++}`)) === 'done')
    expect(accountsOf(bench, 'delete')).toEqual([accountOf(bench)])
  })

  requirement(
    '8',
    'an operation that is ended leaves its hooks where the account may not delete them, and says so',
    async bench => {
      await deployed(bench, WITHOUT_DELETE)
      const hook = hookJob('hangs', 'PreSync', { pod: { 'sim/run-for': '10h' } })
      const grant = sync(bench, [configMap('a'), configMap('b'), hook])
      await bench.until(
        'the hook runs',
        () => bench.operation(grant.id)?.results.some(each => each.hook === 'Running') ?? false,
      )
      bench.terminate(grant, 'ana')
      expect(await bench.ended(grant)).toMatchObject({
        ...{ phase: 'Failed', terminatedBy: 'ana' },
        message: expect.stringMatching(/its hooks stay: .* cannot delete/),
      })
      expect(await bench.read('Job', 'hangs', 'batch')).toBeDefined()
      expect(accountsOf(bench, 'delete')).toEqual([accountOf(bench)])
    },
  )
})

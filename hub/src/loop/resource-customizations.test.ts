import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const argoConfigMap = (data: { readonly [key: string]: string }): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' }, data })

async function offerOf(hub: LoopHarness, clusterId: string) {
  const documents = await hub.documents(clusterId)
  return documents.find(document => (document as { typ: string }).typ === 'offer') as {
    readonly healthRules?: readonly { readonly kind: string }[]
    readonly ignoreDifferences: readonly object[]
  }
}

describe('what an installation says of kinds', () => {
  it('goes with the Offers of what renders such kinds, and follows the document', async () => {
    const hub = new LoopHarness()
    const lua = 'return { status = "Healthy" }'
    hub.git.commit(CONFIG, {
      'clusters/eu-1.json': cluster('eu-1'),
      'projects/shop.json': project('shop'),
      'sets/shop.json': set('shop'),
      'argocd-cm.json': argoConfigMap({
        'resource.customizations.health.ConfigMap': lua,
        'resource.customizations.health.example.com_Database': lua,
        'resource.customizations.ignoreDifferences.ConfigMap': 'jsonPointers: [/data/counter]',
        'resource.customizations.ignoreDifferences.apps_Deployment': 'jsonPointers: [/spec/replicas]',
      }),
    })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
    await hub.start()
    await hub.refresh(APPS)
    const eu1 = await hub.join('eu-1')
    await hub.clock.advance(2_000)
    expect(await offerOf(hub, eu1)).toMatchObject({
      healthRules: [{ kind: 'ConfigMap', lua }],
      ignoreDifferences: [{ group: '', kind: 'ConfigMap', jsonPointers: ['/data/counter'] }],
    })
    const data = { lines: [], otherwise: { status: 'Healthy' } }
    await hub.push(CONFIG, {
      'argocd-cm.json': argoConfigMap({
        'resource.customizations.health.ConfigMap': lua,
        'flotilla.health.ConfigMap': JSON.stringify(data),
      }),
    })
    await hub.clock.advance(2_000)
    expect((await offerOf(hub, eu1)).healthRules).toEqual([{ kind: 'ConfigMap', data }])
    const told = async () =>
      (await hub.store.read(rows => rows.sources())).flatMap(({ diagnostics }) =>
        diagnostics.map(({ message }) => message),
      )
    expect(await told()).toEqual([])
    const broken = { 'resource.customizations.health.ConfigMap': 'return =' }
    await hub.push(CONFIG, { 'argocd-cm.json': argoConfigMap(broken) })
    expect(await told()).toEqual([expect.stringContaining('the health script for ConfigMap cannot be read')])
    await hub.push(CONFIG, { 'argocd-cm.json': null })
    expect(await told()).toEqual([])
    await hub.clock.advance(2_000)
    const after = await offerOf(hub, eu1)
    expect(after.healthRules).toBeUndefined()
    expect(after.ignoreDifferences).toEqual([])
  })
})

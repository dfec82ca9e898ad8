import type { JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, definition, deployment, object } from './objects.ts'
import { applyAs, createAs, editAs, makeNamespace } from './others.ts'
import { requirements } from './requirement.ts'

const CANARY = configMap('canary', { x: 'wanted' })

requirements('drift', requirement => {
  requirement(16, 'replicas that an autoscaler set are no drift, and the next sync leaves them', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:1', 2), CANARY]))
    const key = bench.key('Deployment', 'web', 'apps')
    await editAs(bench, 'kube-controller-manager', key, { spec: { replicas: 5 } }, '/scale')
    await looked(bench)
    expect(await replicas(bench)).toBe(5)
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:2', 2), CANARY]))
    expect(await replicas(bench)).toBe(5)
    expect(bench.report?.sync.status).toBe('Synced')
    expect(applied(bench, 'deployments')).toHaveLength(2)
  })

  requirement(16, 'replicas that a person set are drift, and healed', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:1', 2)]))
    const key = bench.key('Deployment', 'web', 'apps')
    await editAs(bench, 'kubectl', key, { spec: { replicas: 5 } }, '/scale')
    await bench.until('it is healed', async () => (await replicas(bench)) === 2)
  })

  requirement(16, 'ignoring the replicas of a Deployment that we alone own never scales it', async bench => {
    const ignoreDifferences = [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }]
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:1', 1)], { ignoreDifferences }))
    await editAs(bench, 'kubectl', bench.key('Deployment', 'web', 'apps'), { spec: { replicas: 4 } })
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:2', 1)], { ignoreDifferences }))
    expect(await replicas(bench)).toBe(4)
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:3', 1)], { ignoreDifferences }))
    expect(await replicas(bench)).toBe(4)
    expect(bench.report?.sync.status).toBe('Synced')
  })

  requirement(17, 'a sidecar that somebody else injects is no drift, and stays', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web'), CANARY]))
    const sidecar = { name: 'proxy', image: 'registry.example/proxy:1' }
    await applyAs(bench, 'injector', injected(sidecar))
    await looked(bench)
    expect(await containers(bench)).toEqual(['proxy', 'web'])
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:2'), CANARY]))
    expect(await containers(bench)).toEqual(['proxy', 'web'])
    expect(bench.report?.sync.status).toBe('Synced')
    expect(applied(bench, 'deployments')).toHaveLength(2)
  })

  requirement(17, 'what admission puts into each write, dry runs as well, is no drift', async bench => {
    await makeNamespace(bench)
    for (const made of injection(bench)) await createAs(bench, 'admin', made)
    // Until the apiserver has taken it up, which it does from a watch of its own.
    await bench.until('the injector works', async () => {
      const probe = { ...deployment('probe'), metadata: { name: 'probe', namespace: bench.namespace } }
      const answer = await bench.client.apply(probe, { dryRun: true, fieldManager: 'probe' })
      return listAt(answer['spec'], 'template', 'spec', 'containers').length === 2
    })
    await bench.start()
    await bench.succeeded(bench.sync([deployment('web'), CANARY]))
    expect(await containers(bench)).toEqual(['proxy', 'web'])
    await looked(bench)
    expect(bench.report?.sync.status).toBe('Synced')
    await bench.succeeded(bench.sync([deployment('web', 'registry.example/web:2'), CANARY]))
    expect(await containers(bench)).toEqual(['proxy', 'web'])
    expect(bench.report?.sync.status).toBe('Synced')
    expect(applied(bench, 'deployments')).toHaveLength(2)
  })

  requirement(18, 'durations and quantities of a custom resource stay as they were spelled', async bench => {
    const group = `eighteen.g${bench.number}.example`
    const spec = { timeout: '60s', interval: '0.5h', memory: '1024Mi', cpu: '1000m' }
    await bench.start()
    const objects = [definition('Foo', group), object(`${group}/v1`, 'Foo', 'f', { spec }), CANARY]
    await bench.succeeded(bench.sync(objects))
    await looked(bench)
    expect(bench.report?.sync.status).toBe('Synced')
    const again = await bench.succeeded(bench.sync(objects))
    expect(again.results.filter(({ outcome }) => outcome !== 'unchanged')).toEqual([])
    expect((await bench.read('Foo', 'f', group))?.['spec']).toEqual(spec)
  })

  requirement(18, 'quantities that are spelled otherwise are no drift', async bench => {
    await bench.start()
    await bench.succeeded(bench.sync([withResources('1000m', '1024Mi'), quota('0.5', '2048Mi')]))
    const versions = await versionsOf(bench)
    const again = await bench.succeeded(bench.sync([withResources('1', '1Gi'), quota('500m', '2Gi')]))
    expect(again.results.filter(({ outcome }) => outcome !== 'unchanged')).toEqual([])
    expect(await versionsOf(bench)).toEqual(versions)
    expect(bench.report?.sync.status).toBe('Synced')
  })

  requirement(19, 'a field that left Git goes, though kubectl was the first to set it', async bench => {
    await makeNamespace(bench)
    await createAs(bench, 'kubectl-client-side-apply', configMap('a', { x: '1', old: 'by kubectl', both: '1' }))
    await bench.start()
    await bench.succeeded(bench.sync([configMap('a', { x: '1', both: '1' })]))
    expect((await bench.read('ConfigMap', 'a'))?.['data']).toEqual({ x: '1', both: '1' })
    await bench.succeeded(bench.sync([configMap('a', { x: '1' })]))
    expect((await bench.read('ConfigMap', 'a'))?.['data']).toEqual({ x: '1' })
    await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'a'), { data: { theirs: 'kept' } })
    await bench.succeeded(bench.sync([configMap('a', { x: '2' })]))
    expect((await bench.read('ConfigMap', 'a'))?.['data']).toEqual({ x: '2', theirs: 'kept' })
  })

  requirement(20, 'fields of a trusted manager are no drift, and a sync leaves them', async bench => {
    const ignoreDifferences = [{ group: '*', kind: 'Deployment', managedFieldsManagers: ['vpa'] }]
    await bench.start()
    const first = withResources('100m', '64Mi')
    await bench.succeeded(bench.sync([first, CANARY], { ignoreDifferences }))
    await applyAs(bench, 'vpa', bareResources({ cpu: '300m' }))
    await looked(bench)
    expect(await requested(bench)).toEqual({ cpu: '300m', memory: '64Mi' })
    expect(bench.report?.sync.status).toBe('Synced')
    await bench.succeeded(bench.sync([withResources('100m', '96Mi'), CANARY], { ignoreDifferences }))
    expect(await requested(bench)).toEqual({ cpu: '300m', memory: '96Mi' })
    expect(bench.report?.sync.status).toBe('Synced')
  })

  requirement(20, 'fields of a manager whom nobody trusts are healed', async bench => {
    const ignoreDifferences = [{ group: '*', kind: 'Deployment', managedFieldsManagers: ['somebody'] }]
    await bench.start()
    await bench.succeeded(bench.sync([withResources('100m', '64Mi')], { ignoreDifferences }))
    await applyAs(bench, 'vpa', bareResources({ cpu: '300m' }))
    await bench.until('it is healed', async () => (await requested(bench))?.['cpu'] === '100m')
  })

  requirement(21, 'a jq expression that fails on one object leaves that one and all others alone', async bench => {
    // Of `odd` the mode is not there, and null begins with nothing.
    const jqPathExpressions = ['.data | select(.mode | startswith("counts")) | .counter']
    const ignoreDifferences = [{ kind: 'ConfigMap', jqPathExpressions }]
    const objects = [
      configMap('even', { mode: 'counts up', counter: '0' }),
      configMap('odd', { counter: '0' }),
      CANARY,
      configMap('z'),
    ]
    await bench.start()
    await bench.succeeded(bench.sync(objects, { ignoreDifferences }))
    await editAs(bench, 'counter', bench.key('ConfigMap', 'even'), { data: { counter: '41' } })
    await editAs(bench, 'counter', bench.key('ConfigMap', 'odd'), { data: { counter: '41' } })
    await bench.until('odd is healed', async () => (await counter(bench, 'odd')) === '0')
    await looked(bench)
    expect(await counter(bench, 'even')).toBe('41')
    expect(bench.report?.sync.status).toBe('Synced')
  })

  requirement(22, 'stringData of a Secret is its data: no drift, and what leaves Git goes', async bench => {
    const secret = (stringData: JsonObject) => object('v1', 'Secret', 's', { type: 'Opaque', stringData })
    await bench.start()
    await bench.succeeded(bench.sync([secret({ password: 'one', user: 'ana' }), CANARY]))
    const again = await bench.succeeded(bench.sync([secret({ password: 'one', user: 'ana' }), configMap('canary')]))
    expect(again.results.find(({ key }) => key.kind === 'Secret')?.outcome).toBe('unchanged')
    await bench.succeeded(bench.sync([secret({ password: 'two' }), CANARY]))
    expect((await bench.read('Secret', 's'))?.['data']).toEqual({ password: base64('two') })
    await editAs(bench, 'kubectl-edit', bench.key('Secret', 's'), { stringData: { password: 'mallory' } })
    await bench.until('it is healed', async () => {
      return textAt(await bench.read('Secret', 's'), 'data', 'password') === base64('two')
    })
    const told = JSON.stringify([bench.hub.link.reports, bench.log])
    for (const value of ['two', 'mallory']) expect(told).not.toMatch(new RegExp(`"${value}"|${base64(value)}`))
  })

  requirement(23, 'the number 9007199254740993 and the key __proto__ survive a round trip', async bench => {
    const group = `big.g${bench.number}.example`
    const spec = (changed: string) =>
      parseJson(`{"big":9007199254740993,"__proto__":{"constructor":"x"},"list":[9007199254740993],"n":"${changed}"}`)
    const foo = (changed = '1') => ({ ...object(`${group}/v1`, 'Foo', 'a'), spec: spec(changed) })
    const map = () => {
      const data = parseJson('{"__proto__":"kept","constructor":"too"}') as JsonObject
      return { ...object('v1', 'ConfigMap', 'odd'), data }
    }
    await bench.start()
    await bench.succeeded(bench.sync([definition('Foo', group), foo(), map()]))
    const stored = await bench.read('Foo', 'a', group)
    const text = stringifyJson(stored?.['spec'] ?? null)
    expect(text).toContain('"big":9007199254740993')
    expect(text).toContain('[9007199254740993]')
    expect(text).toContain('"__proto__":{"constructor":"x"}')
    const odd = await bench.read('ConfigMap', 'odd')
    expect(stringifyJson(odd?.['data'] ?? null)).toMatch(/"__proto__":"kept"/)
    const again = await bench.succeeded(bench.sync([definition('Foo', group), foo(), map(), CANARY]))
    const unchanged = again.results.filter(({ outcome }) => outcome === 'unchanged').map(({ key }) => key.name)
    expect(unchanged).toEqual(expect.arrayContaining(['a', 'odd']))
    await bench.succeeded(bench.sync([definition('Foo', group), foo('2'), map(), CANARY]))
    expect(stringifyJson((await bench.read('Foo', 'a', group))?.['spec'] ?? null)).toContain('"big":9007199254740993')
    expect(bench.report?.sync.status).toBe('Synced')
  })
})

/** The agent has looked after what was changed before: something that it heals was changed later, and is healed. */
async function looked(bench: Bench): Promise<void> {
  await editAs(bench, 'kubectl-edit', bench.key('ConfigMap', 'canary'), { data: { x: `edited ${bench.clock.now()}` } })
  await bench.until('the canary is healed', async () => {
    const value = textAt(await bench.read('ConfigMap', 'canary'), 'data', 'x')
    return value === 'wanted' && bench.report?.sync.status === 'Synced'
  })
}

function applied(bench: Bench, resource: string): readonly string[] {
  return bench.writesOf([resource]).filter(write => write.startsWith('apply'))
}

async function replicas(bench: Bench) {
  return valueAt((await bench.read('Deployment', 'web', 'apps'))?.['spec'], 'replicas')
}

async function containers(bench: Bench): Promise<readonly string[]> {
  const live = await bench.read('Deployment', 'web', 'apps')
  return listAt(live?.['spec'], 'template', 'spec', 'containers')
    .map(container => textAt(container, 'name'))
    .sort()
}

async function requested(bench: Bench): Promise<JsonObject | undefined> {
  const live = await bench.read('Deployment', 'web', 'apps')
  const [container] = listAt(live?.['spec'], 'template', 'spec', 'containers')
  return valueAt(container, 'resources', 'requests') as JsonObject | undefined
}

async function counter(bench: Bench, name: string): Promise<string> {
  return textAt(await bench.read('ConfigMap', name), 'data', 'counter')
}

async function versionsOf(bench: Bench): Promise<readonly (number | undefined)[]> {
  const live = [await bench.read('Deployment', 'web', 'apps'), await bench.read('ResourceQuota', 'q')]
  return live.map(each => (valueAt(each?.['spec'], 'hard') === undefined ? each?.metadata.generation : 1))
}

function withResources(cpu: string, memory: string): KubernetesObject {
  const web = deployment('web')
  const { spec } = web as { readonly spec?: JsonObject }
  const template = spec?.['template'] as JsonObject
  const image = 'registry.example/web:1'
  const whole = { containers: [{ name: 'web', image, resources: { requests: { cpu, memory } } }] }
  return { ...web, spec: { ...spec, template: { ...template, spec: whole } } }
}

/** Only what a vertical autoscaler says of it. */
function bareResources(requests: JsonObject): KubernetesObject {
  const template = { spec: { containers: [{ name: 'web', resources: { requests } }] } }
  return object('apps/v1', 'Deployment', 'web', { spec: { template } })
}

function quota(cpu: string, memory: string): KubernetesObject {
  return object('v1', 'ResourceQuota', 'q', { spec: { hard: { 'requests.cpu': cpu, 'requests.memory': memory } } })
}

function injected(sidecar: JsonObject): KubernetesObject {
  return object('apps/v1', 'Deployment', 'web', { spec: { template: { spec: { containers: [sidecar] } } } })
}

/** Admission that adds a sidecar to every Deployment of the bench's namespace. */
function injection(bench: Bench): readonly KubernetesObject[] {
  const name = `inject-${bench.namespace}`
  const added = 'Object.spec.template.spec.containers{name: "proxy", image: "registry.example/proxy:1"}'
  const expression = `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [${added}]}}}}`
  const rule = {
    apiGroups: ['apps'],
    apiVersions: ['v1'],
    resources: ['deployments'],
    operations: ['CREATE', 'UPDATE'],
  }
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': bench.namespace } }
  return [
    object('admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicy', name, {
      spec: {
        matchConstraints: { namespaceSelector, resourceRules: [rule] },
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
      },
    }),
    object('admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicyBinding', name, { spec: { policyName: name } }),
  ]
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

import type { Json, JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, OPTIONS } from './testing/documents.ts'

interface Tool {
  readonly tool: 'argocd' | 'flux' | 'helm' | 'fleet'
  readonly manager: string
  readonly apply: boolean
  readonly metadata: JsonObject
}

/** The marks that each tool leaves, and the field manager that it writes with. */
const TOOLS: { readonly [name: string]: Tool } = {
  'Argo CD, by client-side apply': {
    tool: 'argocd',
    manager: 'argocd-controller',
    apply: false,
    metadata: { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' } },
  },
  'Argo CD, by server-side apply': {
    tool: 'argocd',
    manager: 'argocd-controller',
    apply: true,
    metadata: { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/web' } },
  },
  Flux: {
    tool: 'flux',
    manager: 'kustomize-controller',
    apply: true,
    metadata: {
      labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop', 'kustomize.toolkit.fluxcd.io/namespace': 'flux' },
    },
  },
  Helm: {
    tool: 'helm',
    manager: 'helm',
    apply: false,
    metadata: {
      annotations: { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'shop' },
      labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    },
  },
  'Rancher Fleet': {
    tool: 'fleet',
    manager: 'fleetagent',
    apply: false,
    metadata: {
      labels: { 'objectset.rio.cattle.io/hash': 'abc' },
      annotations: { 'objectset.rio.cattle.io/id': 'default-shop' },
    },
  },
}

it.each(Object.entries(TOOLS))(
  'moves an Application from %s without deleting or restarting anything',
  async (_, tool) => {
    const bench = await startBench()
    await write(bench, '/api/v1/namespaces', 'shop', { apiVersion: 'v1', kind: 'Namespace' }, tool, {})
    const { spec, ...web } = deployment('web')
    const extra = { template: { ...(spec as { template: JsonObject }).template }, ...(spec as JsonObject) }
    const before = { ...web, spec: { ...extra, paused: false, minReadySeconds: 5 } } as unknown as JsonObject
    await write(bench, '/apis/apps/v1/namespaces/shop/deployments', 'web', before, tool, tool.metadata)
    await bench.pass(5_000)
    const uid = bench.read('Deployment', 'web', 'apps')?.metadata.uid
    const pods = podsOf(bench)
    expect(pods.length).toBeGreaterThan(0)

    bench.hub.sync(bundleOf(deployment('web'), configMap('new')))
    await bench.pass(5_000)
    expect(bench.report.adoptions).toEqual([{ tool: tool.tool, count: 1 }])
    expect(bench.report.operation).toMatchObject({
      phase: 'Failed',
      message: expect.stringContaining('would adopt 1 object'),
    })
    // Nothing of it in part: what is nobody's waits as well.
    expect(bench.read('ConfigMap', 'new')).toBeUndefined()

    bench.hub.sync(bundleOf(deployment('web'), configMap('new')), { options: { ...OPTIONS, adoptFrom: [tool.tool] } })
    await bench.pass(5_000)
    expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { phase: 'Succeeded' } })
    expect(bench.report.adoptions).toBeUndefined()
    const after = bench.read('Deployment', 'web', 'apps')
    expect(after?.metadata.uid).toBe(uid)
    expect(podsOf(bench)).toEqual(pods)
    // What the other tool set and Git does not say is gone, its marks included.
    expect(valueAt(after?.['spec'], 'minReadySeconds')).toBeUndefined()
    expect(JSON.stringify([after?.metadata.labels, after?.metadata.annotations])).not.toMatch(
      /argocd|fluxcd|helm|cattle/,
    )
    expect(bench.writes().filter(one => one.startsWith('delete'))).toEqual([])
  },
)

function podsOf(bench: AgentBench): readonly (string | undefined)[] {
  return bench.cluster
    .objects()
    .filter(({ kind }) => kind === 'Pod')
    .map(({ metadata }) => metadata.uid)
    .sort()
}

async function write(
  bench: AgentBench,
  path: string,
  name: string,
  object: JsonObject,
  { manager, apply }: Tool,
  marks: JsonObject,
): Promise<void> {
  const body: Json = { ...object, metadata: { name, ...marks } }
  const response = await bench.cluster.handle({
    method: apply ? 'PATCH' : 'POST',
    path: apply ? `${path}/${name}?fieldManager=${manager}&force=true` : `${path}?fieldManager=${manager}`,
    headers: { 'content-type': apply ? 'application/apply-patch+yaml' : 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(201)
}

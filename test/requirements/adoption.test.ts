import { OPTIONS } from '@flotilla/agents/testing/documents'
import type { JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, deployment } from './objects.ts'
import { applyAs, createAs, makeNamespace } from './others.ts'
import { requirements } from './requirement.ts'

interface Tool {
  readonly name: string
  readonly tool: 'argocd' | 'flux' | 'helm' | 'fleet'
  readonly manager: string
  readonly write: typeof createAs
  metadata(bench: Bench): JsonObject
}

const argo = (bench: Bench) => ({
  annotations: { 'argocd.argoproj.io/tracking-id': `shop:apps/Deployment:${bench.namespace}/web` },
})

/** What each tool leaves on its objects, and how it writes them. */
const TOOLS: readonly Tool[] = [
  {
    name: 'Argo CD, by client-side apply',
    tool: 'argocd',
    manager: 'argocd-controller',
    write: createAs,
    metadata: argo,
  },
  {
    name: 'Argo CD, by server-side apply',
    tool: 'argocd',
    manager: 'argocd-controller',
    write: applyAs,
    metadata: argo,
  },
  {
    name: 'Flux',
    tool: 'flux',
    manager: 'kustomize-controller',
    write: applyAs,
    metadata: () => ({
      labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
    }),
  },
  {
    name: 'Helm',
    tool: 'helm',
    manager: 'helm',
    write: createAs,
    metadata: ({ namespace }) => ({
      annotations: { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': namespace },
      labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    }),
  },
  {
    name: 'Rancher Fleet',
    tool: 'fleet',
    manager: 'fleetagent',
    write: createAs,
    metadata: () => ({
      labels: { 'objectset.rio.cattle.io/hash': 'abc' },
      annotations: { 'objectset.rio.cattle.io/id': 'default-shop' },
    }),
  },
]

requirements('adoption', requirement => {
  for (const { name, tool, manager, write, metadata } of TOOLS) {
    requirement('2', `an Application of ${name} moves, and nothing is deleted or restarted`, async bench => {
      await makeNamespace(bench)
      const web = deployment('web', 'registry.example/web:1', 2, metadata(bench))
      const spec = { ...(web as unknown as { readonly spec: JsonObject }).spec, minReadySeconds: 1 }
      await write(bench, manager, { ...web, spec })
      await bench.until('its Pods run', async () => (await podsOf(bench)).length === 2)
      const before = await bench.read('Deployment', 'web', 'apps')
      const pods = await podsOf(bench)

      await bench.start()
      const objects = [deployment('web', 'registry.example/web:1', 2), configMap('new')]
      const refused = await bench.ended(bench.sync(objects))
      expect(refused).toMatchObject({ phase: 'Failed', message: expect.stringContaining('would adopt 1 object') })
      expect(bench.report?.adoptions).toEqual([{ tool, count: 1 }])
      // Nothing of it in part: what is nobody's waits as well.
      expect(await bench.read('ConfigMap', 'new')).toBeUndefined()
      expect((await bench.read('Deployment', 'web', 'apps'))?.metadata.labels).toEqual(before?.metadata.labels)

      await bench.succeeded(bench.sync(objects, { options: { ...OPTIONS, adoptFrom: [tool] } }))
      await bench.until('it is Synced', () => bench.report?.sync.status === 'Synced')
      expect(bench.report?.adoptions).toBeUndefined()
      const after = await bench.read('Deployment', 'web', 'apps')
      expect(after?.metadata.uid).toBe(before?.metadata.uid)
      expect(await podsOf(bench)).toEqual(pods)
      // What the other tool set and Git does not say is gone, its marks included.
      expect(valueAt(after?.['spec'], 'minReadySeconds') ?? 0).toBe(0)
      expect(JSON.stringify([after?.metadata.labels, after?.metadata.annotations])).not.toMatch(
        /argocd|fluxcd|helm|cattle/,
      )
      expect(after?.metadata.managedFields?.map(entry => entry['manager'])).not.toContain(manager)
      expect(bench.writesOf().filter(one => one.startsWith('delete'))).toEqual([])
    })
  }
})

async function podsOf(bench: Bench): Promise<readonly (string | undefined)[]> {
  const uids: (string | undefined)[] = []
  for await (const { objects } of bench.client.list('', 'Pod', { namespace: bench.namespace })) {
    uids.push(...objects.map(({ metadata }) => metadata.uid))
  }
  return uids.sort()
}

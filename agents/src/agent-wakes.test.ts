import { expect, it } from 'vitest'
import { startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, object } from './testing/documents.ts'

const PATH = '/apis/example.com/v1/namespaces/shop/foos/f'
const DEFINITION = {
  ...{
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'foos.example.com' },
  },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { kind: 'Foo', plural: 'foos', singular: 'foo' } },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true, subresources: { status: {} } },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}

it('what becomes healthy after a wave was judged, and before it is looked at for the report, is not waited for any longer', async () => {
  const bench = await startBench()
  const send = async (method: 'POST' | 'PATCH', path: string, body: object) => {
    const headers = { 'content-type': method === 'POST' ? 'application/json' : 'application/merge-patch+json' }
    const { status } = await bench.cluster.handle({ method, path, headers, body: JSON.stringify(body) })
    expect(status).toBeLessThan(300)
  }
  const ready = (status: 'True' | 'False') => {
    const conditions = [{ type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:00Z' }]
    return send('PATCH', `${PATH}/status`, { status: { conditions } })
  }
  await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', DEFINITION)
  await bench.pass(1_000)
  const foo = object('example.com/v1', 'Foo', 'f', { spec: { a: 1 } })
  const after = configMap('after', {}, { annotations: { 'argocd.argoproj.io/sync-wave': '1' } })
  let applied = false
  let readyAt: number | undefined
  bench.between = async (request, pass) => {
    const isOfFoo = request.path.startsWith(PATH) && !request.path.includes('dryRun')
    if (applied && isOfFoo && request.method === 'GET' && readyAt === undefined) {
      await ready('True')
      readyAt = bench.clock.now()
    }
    const answer = await pass(request)
    if (isOfFoo && request.method === 'PATCH') {
      applied = true
      await ready('False')
    }
    return answer
  }
  bench.hub.sync(bundleOf(foo, after))
  for (let second = 0; second < 90 && !bench.read('ConfigMap', 'after'); second++) await bench.pass(1_000)
  expect(readyAt).toBeDefined()
  expect(bench.clock.now() - readyAt!).toBeLessThan(5_000)
})

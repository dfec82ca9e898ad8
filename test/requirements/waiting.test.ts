import { DEFAULT_RUN } from '@flotilla/core/sync/run-options'
import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import { configMap, definition, deployment, object, wave } from './objects.ts'
import { requirements } from './requirement.ts'

const ONCE = { retry: { ...DEFAULT_RUN.retry, limit: 0 } }
const STUCK = { 'sim/ready': 'never' }

requirements('waiting', requirement => {
  requirement(11, 'a status of an earlier generation passes no gate', async bench => {
    const group = `eleven.g${bench.number}.example`
    const objects = (size: number) => [
      definition('Foo', group, wave('-2')),
      object(`${group}/v1`, 'Foo', 'f', { metadata: wave('-1'), spec: { size } }),
      configMap('after', { size: String(size) }),
    ]
    const observe = async (generation: number) => {
      const status = { observedGeneration: generation, conditions: [{ type: 'Ready', status: 'True' }] }
      await patchStatus(bench, group, status)
    }
    await bench.start()
    const first = bench.sync(objects(1))
    await bench.until('the object is there', async () => (await readFoo(bench, group)) !== undefined)
    await observe(1)
    await bench.succeeded(first)
    const second = bench.sync(objects(2))
    await bench.until('the change is there', async () => (await readFoo(bench, group))?.metadata.generation === 2)
    await new Promise(resolve => setTimeout(resolve, 4_000))
    expect(bench.operation(second.id)).toMatchObject({ phase: 'Running' })
    expect(bench.operation(second.id)?.message).toBe(`waiting for healthy state of ${group}/Foo/f`)
    expect((await bench.read('ConfigMap', 'after'))?.['data']).toEqual({ size: '1' })
    await observe(2)
    await bench.succeeded(second)
    expect((await bench.read('ConfigMap', 'after'))?.['data']).toEqual({ size: '2' })
  })

  requirement(12, 'what is Degraded in wave 1 stops wave 2', async bench => {
    await bench.start()
    const ended = await bench.ended(
      bench.sync([late('web', 1, wave('1')), configMap('after', {}, wave('2'))], { run: ONCE }),
    )
    expect(ended.phase).toBe('Failed')
    expect(ended.message).toMatch(
      /completed unsuccessfully, reason: apps\/Deployment .*\/web is Degraded: .*progress deadline/,
    )
    expect(await bench.read('ConfigMap', 'after')).toBeUndefined()
  })

  requirement(12, 'degradedGrace lets it recover', async bench => {
    await bench.start()
    const run = { ...ONCE, degradedGraceMs: 60_000 }
    const grant = bench.sync([late('web', 1, wave('1')), configMap('after', {}, wave('2'))], { run })
    await bench.until('it is Degraded', () => bench.report?.health.status === 'Degraded')
    expect(bench.operation(grant.id)?.phase).toBe('Running')
    await bench.client.patchJson(bench.key('Deployment', 'web', 'apps'), 'v1', [
      { op: 'remove', path: '/spec/template/metadata/annotations' },
    ])
    await bench.succeeded(grant)
  })

  requirement(13, 'waves of Secrets and ConfigMaps pass, though nothing says how they do', async bench => {
    await bench.start()
    const secret = object('v1', 'Secret', 's', { metadata: wave('1'), stringData: { a: 'b' } })
    await bench.succeeded(bench.sync([secret, configMap('c', {}, wave('2')), configMap('d', {}, wave('3'))]))
    expect(bench.writesOf(['secrets', 'configmaps'])).toEqual([
      `apply secrets ${bench.namespace}/s`,
      `apply configmaps ${bench.namespace}/c`,
      `apply configmaps ${bench.namespace}/d`,
    ])
  })

  requirement(14, 'an object that is deleted while it is waited for ends the operation with an error', async bench => {
    await bench.start()
    const grant = bench.sync([late('web', 600, wave('1')), configMap('after', {}, wave('2'))], { run: ONCE })
    await bench.until('it waits', () => bench.operation(grant.id)?.message.startsWith('waiting for healthy') ?? false)
    await bench.client.delete(bench.key('Deployment', 'web', 'apps'), { propagation: 'background' })
    const ended = await bench.ended(grant)
    expect(ended).toMatchObject({
      phase: 'Error',
      message: 'resource apps/Deployment/web is missing, it might have been deleted',
    })
  })

  requirement(15, 'what is suspended keeps waiting, and the time-out of the wave says so', async bench => {
    await bench.start()
    const web = deployment('web', 'registry.example/web:1', 1, wave('1'))
    const suspended = { ...web, spec: { ...(web['spec'] as object), paused: true } }
    const run = { ...ONCE, waveTimeoutMs: 12_000, stallAfterMs: 1_000 }
    const grant = bench.sync([suspended, configMap('after', {}, wave('2'))], { run })
    const blocking = () => bench.hub.link.reports.flatMap(({ operation }) => operation?.stalled?.blocking ?? [])
    const isSuspended = ({ message }: { readonly message: string }) => /^Suspended: Deployment is paused/.test(message)
    await bench.until('it is told what blocks', () => blocking().some(isSuspended))
    for (const { key } of blocking()) expect(key).toMatchObject({ kind: 'Deployment', name: 'web' })
    const ended = await bench.ended(grant)
    expect(ended.phase).toBe('Failed')
    expect(ended.message).toContain('wave 1 of Sync has not become healthy within 12 s')
    expect(ended.message).toContain('Suspended: Deployment is paused')
    expect(await bench.read('ConfigMap', 'after')).toBeUndefined()
  })

  requirement(15, 'waitForHealth: final makes the last wave part of the result', async bench => {
    await bench.start()
    const run = { ...ONCE, waitForHealth: 'final' as const, waveTimeoutMs: 4_000 }
    const ended = await bench.ended(bench.sync([late('web', 600)], { run }))
    expect(ended.phase).toBe('Failed')
    expect(ended.message).toContain('has not become healthy within 4 s')
    await bench.succeeded(bench.sync([deployment('web')], { run }))
    expect(bench.report?.health.status).toBe('Healthy')
  })
})

/** A Deployment whose Pods never become ready. */
function late(name: string, progressDeadlineSeconds: number, metadata = {}) {
  const whole = deployment(name, 'registry.example/web:1', 1, metadata)
  const spec = whole['spec'] as { readonly template: { readonly metadata: object } }
  const template = { ...spec.template, metadata: { ...spec.template.metadata, annotations: STUCK } }
  return { ...whole, spec: { ...spec, progressDeadlineSeconds, template } } as unknown as ReturnType<typeof deployment>
}

async function readFoo(bench: Bench, group: string) {
  try {
    return await bench.read('Foo', 'f', group)
  } catch {
    return undefined
  }
}

async function patchStatus(bench: Bench, group: string, status: object): Promise<void> {
  const path = `/apis/${group}/v1/namespaces/${bench.namespace}/foos/f/status`
  await bench.client.requester.json({
    method: 'PATCH',
    path,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status } as never,
    subject: 'Foo f',
    verb: 'patch',
    secret: false,
    idempotent: true,
  })
}

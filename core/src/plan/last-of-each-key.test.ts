import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { lastOfEachKey } from './last-of-each-key.ts'

function object(apiVersion: string, kind: string, spec: JsonObject): KubernetesObject {
  return { apiVersion, kind, metadata: { name: 'web' }, spec } as unknown as KubernetesObject
}
const pod = (spec: JsonObject) => object('v1', 'Pod', spec)
const env = (name: string, value: string) => ({ name, value })

describe('of entries with one key', () => {
  it('the last one stays, and the path of the others is told', () => {
    const container = { name: 'main', env: [env('A', '1'), env('B', '2'), env('A', '3')] }
    const { object: changed, dropped } = lastOfEachKey(pod({ containers: [container] }))
    expect(changed['spec']).toEqual({ containers: [{ name: 'main', env: [env('B', '2'), env('A', '3')] }] })
    expect(dropped).toEqual(['.spec.containers[name="main"].env[name="A"]'])
  })

  it('of a Deployment, a CronJob and a Service as well', () => {
    const spec = {
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'v', configMap: {} },
      ],
    }
    expect(lastOfEachKey(object('apps/v1', 'Deployment', { template: { spec } })).dropped).toEqual([
      '.spec.template.spec.volumes[name="v"]',
    ])
    const cron = object('batch/v1', 'CronJob', { jobTemplate: { spec: { template: { spec } } } })
    expect(lastOfEachKey(cron).dropped).toHaveLength(1)
    const ports = [{ port: 80 }, { port: 80, protocol: 'UDP' }, { port: 80, protocol: 'TCP', name: 'http' }]
    const service = lastOfEachKey(object('v1', 'Service', { ports }))
    expect(service.object['spec']).toEqual({ ports: ports.slice(1) })
    expect(service.dropped).toEqual(['.spec.ports[port=80,protocol="TCP"]'])
  })

  it('nothing is touched where nothing stands twice, or where it is another kind’s', () => {
    for (const each of [
      pod({
        containers: [
          { name: 'a', env: [env('A', '1')] },
          { name: 'b', env: [env('A', '1')] },
        ],
      }),
      pod({ containers: 'odd' }),
      pod({ containers: [null, 7, { name: 'a', env: [null, 'x', {}, {}] }] }),
      object('example.com/v1', 'Service', { ports: [{ port: 1 }, { port: 1 }] }),
    ]) {
      expect(lastOfEachKey(each)).toEqual({ object: each, dropped: [] })
      expect(lastOfEachKey(each).object).toBe(each)
    }
  })
})

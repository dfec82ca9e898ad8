import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { describe, expect, it } from 'vitest'
import { AgentBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, object } from './testing/documents.ts'

const ARGO = 'argocd.argoproj.io'

function hook(name: string, phase: string, more: { readonly [name: string]: string } = {}): KubernetesObject {
  return object('batch/v1', 'Job', name, {
    metadata: { annotations: { [`${ARGO}/hook`]: phase, ...more } },
    spec: {
      backoffLimit: 0,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] } },
    },
  })
}

const wave = (value: string) => ({ annotations: { [`${ARGO}/sync-wave`]: value } })

const BEFORE = bundleOf(configMap('old'), configMap('kept', { x: '1' }))
const AFTER = bundleOf(
  hook('migrate', 'PreSync'),
  configMap('kept', { x: '2' }),
  deployment('web', 'registry.example/web:1', 1, wave('1')),
  configMap('late', {}, wave('2')),
  hook('notify', 'PostSync', { [`${ARGO}/hook-delete-policy`]: 'HookSucceeded' }),
)

interface End {
  readonly phase: string | undefined
  readonly message: string | undefined
  readonly objects: readonly string[]
  /** Jobs that were ever made. */
  readonly jobs: readonly string[]
}

describe('an operation whose process dies at any of its requests', () => {
  it('comes to the same end, and runs no hook twice', async () => {
    const undisturbed = await syncWith(Number.POSITIVE_INFINITY)
    expect(undisturbed.end).toMatchObject({ phase: 'Succeeded', message: 'successfully synced (no more tasks)' })
    expect(undisturbed.end.jobs).toEqual(['migrate', 'notify'])
    expect(undisturbed.requests).toBeGreaterThan(40)
    for (let requests = 1; requests <= undisturbed.requests; requests++) {
      const { end } = await syncWith(requests)
      expect(end, `the process died after ${requests} requests`).toEqual(undisturbed.end)
    }
  }, 240_000)
})

/** The second sync of an Application, by a process that dies after so many requests and one that goes on from there. */
async function syncWith(requests: number): Promise<{ readonly end: End; readonly requests: number }> {
  const bench = new AgentBench()
  try {
    await bench.start()
    bench.hub.sync(BEFORE)
    await bench.pass(5_000)
    await bench.stop()
    bench.cluster.clearRequests()
    await bench.start(requests)
    bench.hub.sync(AFTER)
    await bench.pass(30_000)
    const asked = bench.asked
    if (Number.isFinite(requests)) {
      await bench.stop()
      await bench.start()
      await bench.pass(60_000)
    }
    const { operation } = bench.report
    const made = bench.cluster.requests
      .filter(({ path, status, dryRun }) => !dryRun && status === 201 && path.includes('/jobs/'))
      .map(({ path }) => /jobs\/([a-z]+)/.exec(path)?.[1] ?? '')
    const names = [
      ['ConfigMap', 'old', ''],
      ['ConfigMap', 'kept', ''],
      ['ConfigMap', 'late', ''],
      ['Deployment', 'web', 'apps'],
      ['Job', 'migrate', 'batch'],
      ['Job', 'notify', 'batch'],
    ] as const
    const objects = names.map(([kind, name, group]) => {
      const live = bench.read(kind, name, group)
      return `${kind} ${name} ${live ? JSON.stringify([live['data'], live.metadata.finalizers ?? []]) : 'gone'}`
    })
    return { end: { phase: operation?.phase, message: operation?.message, objects, jobs: made }, requests: asked }
  } finally {
    if (bench.agent) await bench.stop()
    bench.cluster.stop()
  }
}

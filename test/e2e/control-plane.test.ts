import { join } from 'node:path'
import { type ControlPlane, controlPlaneAvailability, startControlPlane } from '@flotilla/controlplane'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { numberIfAny, textAt } from '@flotilla/core/json/read-json'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll, run, start } from './support/processes.ts'
import { configMap, deployment, SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
const FILE = 'apps/web/real-1/app.yaml'

/** What the printed plan and the audit log have in common is a test of the agent's: agent.integration.test.ts. */
describe.skipIf(availability.kind === 'unavailable')('a commit on its way to a real control plane', () => {
  let folder: TemporaryFolder
  let plane: ControlPlane
  let cluster: ClusterTransport
  let fleet: SmallFleet
  let hub: HubUnderTest
  const data = () => join(folder.path, 'agent')

  beforeAll(async () => {
    folder = await temporaryFolder()
    const [started, made] = await Promise.all([
      startControlPlane(),
      SmallFleet.create(join(folder.path, 'repo'), ['real-1'], ['web']),
    ])
    plane = started
    fleet = made
    cluster = plane.transport()
    hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    await hub.start()
  })
  afterAll(async () => {
    await hub?.close()
    await endAll()
    await cluster?.close()
    await plane?.stop()
    await folder?.remove()
  })

  async function ask(method: 'GET' | 'PATCH', path: string, body?: Json): Promise<JsonObject | undefined> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }
    const response = await cluster.request({
      method,
      path,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    let text = ''
    for await (const chunk of response.body) text += Buffer.from(chunk).toString('utf8')
    if (response.status === 404) return undefined
    expect(response.status, text).toBe(200)
    return parseJson(text) as JsonObject
  }

  const configMapPath = '/api/v1/namespaces/shop/configmaps/web'
  const deploymentPath = '/apis/apps/v1/namespaces/shop/deployments/web'
  const value = async () => textAt(await ask('GET', configMapPath), 'data', 'value')
  const replicas = async () => numberIfAny(await ask('GET', deploymentPath), 'spec', 'replicas')

  test('what is in Git comes to be there, and is Healthy when its Pods are', async () => {
    await until('the Cluster is known', async () => (await hub.clusters()).length === 1)
    const made = await run(['cluster', 'join-token', '--cluster', 'real-1'], { env: hub.clientEnvironment })
    expect(made.code, made.stderr).toBe(0)
    const access = ['--kubeconfig', plane.kubeconfigPath, '--data-directory', data()]
    start(['agent', '--name', 'real-1', '--join-token', made.stdout.trim(), ...access])
    await hub.settled(1)
    expect(await value()).toBe('one')
    expect(numberIfAny(await ask('GET', deploymentPath), 'status', 'readyReplicas')).toBe(1)
  })

  test('drift is corrected, by what differs alone', async () => {
    const path = `${deploymentPath}?fieldManager=kubectl-edit`
    await ask('PATCH', path, { metadata: { annotations: { theirs: 'kept' } }, spec: { replicas: 3 } })
    await until('the drift is corrected', async () => (await replicas()) === 1)
    expect(textAt(await ask('GET', deploymentPath), 'metadata', 'annotations', 'theirs')).toBe('kept')
  })

  test('agent plan tells what a sync would do, as text and as data, and changes nothing', async () => {
    const plan = ['agent', 'plan', 'web-real-1', '--data-directory', data()]
    await hub.settled(1)
    const text = await run(plan)
    expect(text).toMatchObject({ code: 0, stdout: expect.stringContaining('web-real-1: ') })
    const asData = await run([...plan, '-o', 'json'])
    expect(JSON.parse(asData.stdout)).toMatchObject({
      actions: expect.arrayContaining([
        expect.objectContaining({ kind: 'keep', key: expect.objectContaining({ kind: 'ConfigMap' }) }),
      ]),
    })
    const unknown = await run(['agent', 'plan', 'nobody', '--data-directory', data()])
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('web-real-1') })
  })

  test('a hook that fails holds up what comes after it, and what mends it goes through at once', async () => {
    const objects = (seen: string, pod: JsonObject) =>
      [configMap('web', seen), deployment('web'), hookJob(pod)].map(each => dump(each)).join('---\n')
    await fleet.commit({ [FILE]: objects('held up', { 'sim/outcome': 'fail' }) })
    await hub.push()
    const operation = async () => (await hub.applications())[0]?.['operation'] as JsonObject | undefined
    const told = await until('the failure is told', async () => {
      const current = await operation()
      return /Retrying attempt #1 at/.test(textAt(current, 'message')) && current
    })
    expect(told).toMatchObject({
      phase: 'Running',
      message: expect.stringMatching(/^one or more synchronization tasks completed unsuccessfully, reason: /),
    })
    expect(await value()).toBe('one')
    await fleet.commit({ [FILE]: objects('mended', {}) })
    await hub.push()
    await until('the change is there', async () => (await value()) === 'mended')
    const job = await ask('GET', '/apis/batch/v1/namespaces/shop/jobs/migrate')
    expect(numberIfAny(job, 'status', 'succeeded')).toBe(1)
    await fleet.commit({ [FILE]: `${dump(configMap('web', 'one'))}---\n${dump(deployment('web'))}` })
    await hub.push()
    await until('the first is there again', async () => (await value()) === 'one')
    await hub.settled(1)
  })

  test('what leaves Git is pruned when the object bears our mark too, and else it stays', async () => {
    const others = `${dump(configMap('web', 'one'))}---\n${dump(deployment('web'))}`
    await fleet.commit({ [FILE]: `${others}---\n${dump(configMap('ours', 'x'))}---\n${dump(configMap('taken', 'x'))}` })
    await hub.push()
    const path = (name: string) => `/api/v1/namespaces/shop/configmaps/${name}`
    await until('both are there', async () => (await ask('GET', path('ours'))) && (await ask('GET', path('taken'))))
    await hub.settled(1)
    const stranger = { 'flotilla.dev/tracking-id': 'another:/ConfigMap:shop/taken' }
    // The mark goes and the object leaves Git in one moment, so that no heal comes between.
    await ask('PATCH', `${path('taken')}?fieldManager=kubectl-edit`, { metadata: { annotations: stranger } })
    await fleet.commit({ [FILE]: others })
    await hub.push()
    await until('ours is gone', async () => (await ask('GET', path('ours'))) === undefined)
    expect(await ask('GET', path('taken'))).toBeDefined()
  })
})

/** A Job that runs before the rest; `pod` steers the kubelets of the test cluster. */
function hookJob(pod: JsonObject): object {
  const template = {
    metadata: { annotations: pod },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.example.com/app:1' }] },
  }
  const annotations = { 'argocd.argoproj.io/hook': 'PreSync' }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate', annotations },
    spec: { backoffLimit: 0, template },
  }
}

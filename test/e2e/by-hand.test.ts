import { controlPlaneAvailability, type PlayedKubelet } from '@flotilla/controlplane'
import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askCluster, objectIn } from './support/cluster-client.ts'
import { OneCluster, WEB_FILE } from './support/one-cluster.ts'
import { run, start } from './support/processes.ts'
import { configMap, deployment } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
const SHOP = '/api/v1/namespaces/shop'
const WEB = 'apps/Deployment shop/web'
const REPORT = 'batch/CronJob shop/report'
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, stringData: { token: 'correct-horse' } }

/** What people do from the command line, by hub and agent, to a real control plane. */
describe.skipIf(availability.kind === 'unavailable')('by hand, on a real control plane', () => {
  let world: OneCluster
  let kubelet: PlayedKubelet

  beforeAll(async () => {
    world = await OneCluster.start({ files: { [WEB_FILE]: filesOf('one') } })
    kubelet = await world.plane.playKubelet()
    await world.join()
  })
  afterAll(() => world?.close())

  async function commit(value: string, ...more: readonly object[]): Promise<void> {
    await world.fleet.commit({ [WEB_FILE]: filesOf(value, ...more) })
  }

  const flotilla = async (...words: string[]) => await run(words, { env: world.hub.clientEnvironment })
  const web = async () => (await objectIn(world.cluster, '/apis/apps/v1/namespaces/shop/deployments/web')) ?? {}
  const cron = async () => (await objectIn(world.cluster, '/apis/batch/v1/namespaces/shop/cronjobs/report')) ?? {}
  const value = () => world.valueOf('web')
  const pods = async () =>
    listAt(await objectIn(world.cluster, `${SHOP}/pods?labelSelector=app%3Dweb`), 'items')
      .filter(pod => textAt(pod, 'status', 'phase') === 'Running')
      .map(pod => textAt(pod, 'metadata', 'name'))
  const application = async (): Promise<JsonObject> => (await world.hub.applications())[0] ?? {}

  async function done(...words: string[]): Promise<void> {
    const ended = await flotilla(...words, '--yes')
    expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(0)
  }

  test('scale, restart, suspend, resume and delete-resource do what they say, and nothing without --yes', async () => {
    const two = ['app', 'scale', 'web-real-1', WEB, '--replicas', '2']
    const shown = await flotilla(...two)
    expect([shown.code, shown.stderr], shown.stdout).toEqual([1, expect.stringContaining('--yes')])
    expect(numberIfAny(await web(), 'spec', 'replicas')).toBe(1)
    await done(...two)
    await until('two run', async () => numberIfAny(await web(), 'status', 'readyReplicas') === 2)
    await done('app', 'scale', 'web-real-1', WEB, '--replicas', '1')
    await until('one runs', async () => (await pods()).length === 1)

    const [before] = await pods()
    await done('app', 'restart', 'web-real-1', WEB)
    await until('another Pod runs', async () => {
      const now = await pods()
      return now.length === 1 && now[0] !== before
    })

    await done('app', 'suspend', 'web-real-1', REPORT)
    expect(valueAt(await cron(), 'spec', 'suspend')).toBe(true)
    await done('app', 'resume', 'web-real-1', REPORT)
    expect(valueAt(await cron(), 'spec', 'suspend')).toBe(false)
    await done('app', 'suspend', 'web-real-1', WEB)
    expect(valueAt(await web(), 'spec', 'paused')).toBe(true)
    await done('app', 'resume', 'web-real-1', WEB)
    expect(valueAt(await web(), 'spec', 'paused') ?? false).toBe(false)

    const uid = textAt(await objectIn(world.cluster, `${SHOP}/configmaps/web`), 'metadata', 'uid')
    await done('app', 'delete-resource', 'web-real-1', 'ConfigMap shop/web')
    // It is in the source, so it is made anew.
    await until('it is there again', async () => {
      const live = await objectIn(world.cluster, `${SHOP}/configmaps/web`)
      return live !== undefined && textAt(live, 'metadata', 'uid') !== uid
    })
    const stranger = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs' } }
    expect((await askCluster(world.cluster, 'POST', `${SHOP}/configmaps`, stranger)).status).toBe(201)
    const refused = await flotilla('app', 'delete-resource', 'web-real-1', 'ConfigMap shop/theirs', '--yes')
    expect(refused.code).toBe(1)
    expect(await objectIn(world.cluster, `${SHOP}/configmaps/theirs`)).toBeDefined()
    await world.hub.settled(1)
  })

  test('logs of a Pod come from its kubelet through agent and hub, with values of Secrets masked', async () => {
    const [pod = ''] = await pods()
    kubelet.print('shop', pod, 'main', 'began with correct-horse\nready')
    const read = await flotilla('app', 'logs', 'web-real-1', '--object', 'Deployment/web', '--tail', '10')
    expect(read.code, read.stderr).toBe(0)
    expect(read.stdout).toContain('began with ***')
    expect(read.stdout).toContain('ready')
    expect(read.stdout).not.toContain('correct-horse')
  })

  test('a log that is followed goes on, and ends when the token of who reads it is revoked', async () => {
    const made = await world.hub.api.post('/api/v1/tokens', { name: 'reader', role: 'admin' })
    const env = { ...world.hub.clientEnvironment, FLOTILLA_TOKEN: textAt(made, 'token') }
    const reader = start(['app', 'logs', 'web-real-1', '--object', 'Deployment/web', '--follow'], { env })
    const [pod = ''] = await pods()
    await until('the kubelet is asked', () => kubelet.followers > 0)
    kubelet.print('shop', pod, 'main', 'something new')
    await reader.says(/something new/)
    await world.hub.api.delete(`/api/v1/tokens/${textAt(made, 'id')}`)
    const { code } = await reader.ended
    expect(reader.stderr()).toMatch(/may not read it any more/)
    expect(code).not.toBe(0)
    // It is told all the way down: nobody reads on.
    await until('the kubelet is left', () => kubelet.followers === 0)
  })

  test('events about the Application are those that the cluster has', async () => {
    const found = await until('events are there', async () => {
      const read = await flotilla('app', 'events', 'web-real-1')
      return read.code === 0 && read.stdout.includes('ScalingReplicaSet') ? read.stdout : undefined
    })
    expect(found).toContain('Deployment')
    expect(found).not.toContain('theirs')
  })

  test('a sync by hand is tried again as it was asked to, and a hook that fails leaves its last words', async () => {
    const before = await value()
    kubelet.printAll('shop', 'migrate-', 'main', 'connecting with correct-horse\nno such table: orders')
    await commit('two', failingJob())
    await world.hub.push()
    await until('the failure is told', async () => /Retrying/.test(textAt(await application(), 'operation', 'message')))
    await flotilla('app', 'terminate', 'web-real-1', '--reason', 'by hand now', '--yes')
    await until('it has ended', async () => textAt(await application(), 'operation', 'phase') === 'Failed')
    const words = ['app', 'sync', 'web-real-1', '--retry-limit', '1', '--retry-backoff-duration', '1s']
    const synced = await flotilla(...words, '--yes', '--wait', '600')
    expect(synced.code, synced.stderr).toBe(1)
    expect(synced.stdout).toContain('hook batch/Job shop/migrate ended: Error, exit code 1')
    expect(synced.stdout).toContain('no such table: orders')
    expect(synced.stdout).not.toContain('correct-horse')
    expect(await application()).toMatchObject({ operation: { phase: 'Failed', trigger: 'manual', attempts: 2 } })
    const shown = await flotilla('app', 'get', 'web-real-1')
    expect(shown.stdout).toContain('hook: batch/Job shop/migrate (PreSync, Error, exit code 1)')
    expect(shown.stdout).toContain('connecting with ***')
    expect(await value()).toBe(before)
    await commit('one')
    await world.hub.push()
    await world.hub.settled(1)
  })

  test('off-line: an agent that starts without its hub enforces what it holds, obeys its calendar, and reports it all', async () => {
    await world.fleet.commit({
      'apps/calm/real-1/app.yaml': dump(configMap('calm', 'one')),
      'fleet/freeze.yaml': freeze(),
    })
    await world.hub.push()
    await world.hub.settled(2)
    const told = async () => valueAt(await world.hub.api.get('/api/v1/freezes/calm'), 'effect', 'inForce') === 1
    await until('the agent has its calendar', told)
    await Promise.all([world.agent.end(), world.hub.stop()])
    await drift('web')
    await drift('calm')
    world.startAgent()
    await until('drift is corrected', async () => (await value()) === 'one')
    // What its calendar closes some day it leaves alone: without its hub it does not know what time it is.
    expect(await world.valueOf('calm')).toBe('by hand')
    await world.hub.start()
    const healed = await until('the heal is reported', async () => {
      const all = await world.hub.applications()
      return all.find(each => textAt(each, 'operation', 'trigger') === 'heal') && all
    })
    expect(healed.find(({ name }) => name === 'web-real-1')).toMatchObject({ sync: { status: 'Synced' } })
    // With the hub's time it knows that the freeze has not begun.
    await until('the rest is corrected too', async () => {
      return (await world.valueOf('calm')) === 'one'
    })
    await world.hub.settled(2)
  })

  async function drift(name: string): Promise<void> {
    const answer = await askCluster(world.cluster, 'PATCH', `${SHOP}/configmaps/${name}`, {
      data: { value: 'by hand' },
    })
    expect(answer.status).toBe(200)
  }
})

/** Replicas stand in no manifest: whoever scales is not scaled back. */
function filesOf(value: string, ...more: readonly object[]): string {
  const { spec, ...web } = deployment('web') as { spec: object }
  const { replicas: _, ...rest } = spec as { replicas: number }
  const objects = [configMap('web', value), SECRET, { ...web, spec: rest }, report(), ...more]
  return objects.map(each => dump(each)).join('---\n')
}

function report(): object {
  const containers = [{ name: 'main', image: 'registry.example.com/app:1' }]
  const template = { spec: { restartPolicy: 'Never', containers } }
  // Never on its own, and not suspended by what Git says.
  const spec = { schedule: '0 0 29 2 *', jobTemplate: { spec: { template } } }
  return { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'report' }, spec }
}

/** A Job before the rest that fails. */
function failingJob(): object {
  const template = {
    metadata: { annotations: { 'sim/outcome': 'fail' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.example.com/app:1' }] },
  }
  const metadata = { name: 'migrate', annotations: { 'argocd.argoproj.io/hook': 'PreSync' } }
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 0, template } }
}

/** Of one Application, and not yet. */
function freeze(): string {
  const instant = (inHours: number): string => new Date(Date.now() + inHours * 3_600_000).toISOString()
  return dump({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'FreezePeriod',
    metadata: { name: 'calm' },
    spec: {
      level: 'hard',
      reason: 'nothing changes',
      selfHeal: 'pause',
      scope: { applications: { names: ['calm-real-1'] } },
      when: [{ from: instant(2).slice(0, 19).concat('Z'), until: instant(3).slice(0, 19).concat('Z') }],
    },
  })
}

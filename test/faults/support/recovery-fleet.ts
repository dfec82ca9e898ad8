import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { textAt, valueAt } from '@flotilla/core/json/read-json'
import { expect } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from '../../e2e/support/folder.ts'
import { HubUnderTest, isDone } from '../../e2e/support/hub-under-test.ts'
import { run, type Started, start } from '../../e2e/support/processes.ts'
import { type ServedSimulation, serveSimulation } from '../../e2e/support/simulated.ts'
import { SmallFleet } from '../../e2e/support/small-fleet.ts'
import { until } from '../../e2e/support/until.ts'

/** A hub, its agents and their clusters as processes, for what befalls the hub's memory. */
export class RecoveryFleet {
  readonly folder: TemporaryFolder
  readonly fleet: SmallFleet
  readonly hub: HubUnderTest
  readonly clusters: ReadonlyMap<string, ServedSimulation>
  readonly agents = new Map<string, Started>()

  private constructor(
    folder: TemporaryFolder,
    fleet: SmallFleet,
    hub: HubUnderTest,
    clusters: ReadonlyMap<string, ServedSimulation>,
  ) {
    this.folder = folder
    this.fleet = fleet
    this.hub = hub
    this.clusters = clusters
  }

  /** Everything joined, Synced and Healthy. */
  static async settled(names: readonly string[], apps: readonly string[]): Promise<RecoveryFleet> {
    const folder = await temporaryFolder()
    const fleet = await SmallFleet.create(join(folder.path, 'repo'), names, apps)
    const clusters = new Map<string, ServedSimulation>()
    for (const name of names) clusters.set(name, await serveSimulation(name, join(folder.path, `${name}.kubeconfig`)))
    const hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    const made = new RecoveryFleet(folder, fleet, hub, clusters)
    await hub.start()
    await until('the Clusters are known', async () => (await hub.clusters()).length === names.length)
    for (const name of names) made.startAgent(name, ['--join-token', await made.joinToken(name)])
    await hub.settled(names.length * apps.length)
    return made
  }

  get data(): string {
    return join(this.folder.path, 'hub')
  }

  async joinToken(cluster: string): Promise<string> {
    const made = await this.flotilla(['cluster', 'join-token', '--cluster', cluster])
    return made.stdout.trim()
  }

  startAgent(name: string, flags: readonly string[] = []): void {
    const { kubeconfig } = this.clusters.get(name)!
    const data = join(this.folder.path, `a-${name}`)
    this.agents.set(
      name,
      start(['agent', '--name', name, '--kubeconfig', kubeconfig, '--data-directory', data, ...flags]),
    )
  }

  /** A verb against this hub that has to succeed. */
  async flotilla(words: readonly string[], code = 0): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const ended = await run(words, { env: this.hub.clientEnvironment })
    expect(ended, `${words.join(' ')}\n${ended.stderr}`).toMatchObject({ code })
    return ended
  }

  async recovery(): Promise<JsonObject> {
    return await this.hub.api.get('/api/v1/recovery')
  }

  async reason(): Promise<string> {
    const recovery = await this.recovery()
    return `${textAt(recovery, 'state')} ${textAt(recovery, 'reason')}`.trim()
  }

  /** Ids by name. */
  async ids(): Promise<ReadonlyMap<string, string>> {
    return new Map((await this.hub.applications()).map(row => [textAt(row, 'name'), textAt(row, 'id')]))
  }

  valueIn(cluster: string, app: string): unknown {
    const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: app }
    return valueAt(this.clusters.get(cluster)!.cluster.read(key) as JsonObject | undefined, 'data', 'value')
  }

  /** What the Deployments ask for, and which objects they are: another template or UID is a restart. */
  specs(): unknown {
    return [...this.clusters].flatMap(([name, { cluster }]) =>
      ['web', 'api'].map(app => {
        const live = cluster.read({ group: 'apps', kind: 'Deployment', namespace: 'shop', name: app })
        return [name, app, live?.metadata.uid, live?.['spec']]
      }),
    )
  }

  forgetWrites(): void {
    for (const { cluster } of this.clusters.values()) cluster.clearRequests()
  }

  /** Every write to an Application's objects since, on all clusters. */
  writes(): readonly string[] {
    return [...this.clusters].flatMap(([name, each]) => each.writes().map(write => `${name}: ${write}`))
  }

  async connected(): Promise<void> {
    await until(
      'every agent connected',
      async () => (await this.hub.clusters()).every(each => valueAt(each, 'agent', 'connected') === true),
      { told: () => [...this.agents.values()].map(agent => agent.stderr().slice(-1500)).join('\n') },
    )
  }

  /** Waits until every cluster has shown what it holds and reported on it. */
  async caughtUp(): Promise<void> {
    let last = ''
    await until(
      'every cluster has shown and reported everything',
      async () => {
        const progress = valueAt(await this.recovery(), 'progress')
        last = JSON.stringify(progress)
        return last.includes('"unproved":[]') && last.includes('"unreported":[]')
      },
      { told: () => `${last}\n${this.hub.process.stderr().slice(-6000)}` },
    )
  }

  async allDone(count: number): Promise<void> {
    await until(`${count} Applications are Synced and Healthy`, async () => {
      const rows = await this.hub.applications()
      return rows.length === count && rows.every(isDone)
    })
  }

  async close(): Promise<void> {
    await this.hub.close()
    for (const agent of this.agents.values()) await agent.end()
    for (const { close } of this.clusters.values()) await close()
    await this.folder.remove()
  }
}

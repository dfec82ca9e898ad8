import { join } from 'node:path'
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '@flotilla/controlplane'
import { textAt } from '@flotilla/core/json/read-json'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { askCluster, objectIn } from './cluster-client.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { HubUnderTest } from './hub-under-test.ts'
import { endAll, type Started, start } from './processes.ts'
import { SmallFleet } from './small-fleet.ts'
import { until } from './until.ts'

/** Its name in the fleet. */
export const CLUSTER = 'real-1'
/** The Application `web` of it, as one file. */
export const WEB_FILE = `apps/web/${CLUSTER}/app.yaml`
export const LEASE = '/apis/coordination.k8s.io/v1/namespaces/flotilla-system/leases/flotilla-agent'

const SYSTEM_NAMESPACE = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flotilla-system' } }

export interface OneClusterOptions {
  /** Applications; `web` alone by default. */
  readonly apps?: readonly string[]
  /** Committed before anything starts, instead of what {@link SmallFleet} has. */
  readonly files?: Readonly<Record<string, string>>
  /** Of its Applications, besides `CreateNamespace=true`. */
  readonly syncOptions?: readonly string[]
  readonly plane?: ControlPlaneOptions
  /** Which build of the command hub and agent are; the usual one by default. */
  readonly program?: string
  /** Where the agent keeps what it knows: a folder by default. */
  readonly state?: 'folder' | 'secrets'
}

/** One real control plane, a hub with a repository of its own, and the agent of that cluster, each as processes. */
export class OneCluster {
  readonly folder: TemporaryFolder
  readonly plane: ControlPlane
  /** As its administrator. */
  readonly cluster: ClusterTransport
  readonly fleet: SmallFleet
  readonly hub: HubUnderTest
  /** The one that was started last. */
  agent!: Started
  readonly #options: OneClusterOptions

  private constructor(
    folder: TemporaryFolder,
    plane: ControlPlane,
    fleet: SmallFleet,
    hub: HubUnderTest,
    options: OneClusterOptions,
  ) {
    this.folder = folder
    this.plane = plane
    this.cluster = plane.transport()
    this.fleet = fleet
    this.hub = hub
    this.#options = options
  }

  /** The control plane and the hub run, and the hub knows the Cluster; no agent has joined. */
  static async start(options: OneClusterOptions = {}): Promise<OneCluster> {
    const { apps = ['web'], files, syncOptions, plane: planeOptions, program } = options
    const folder = await temporaryFolder()
    const [plane, fleet] = await Promise.all([
      startControlPlane(planeOptions),
      SmallFleet.create(join(folder.path, 'repo'), [CLUSTER], apps, syncOptions),
    ])
    if (files) await fleet.commit(files)
    const data = join(folder.path, 'hub')
    const hub = new HubUnderTest({ data, repository: fleet.directory, ...(program !== undefined && { program }) })
    const world = new OneCluster(folder, plane, fleet, hub, options)
    try {
      await hub.start()
      await until('the Cluster is known', async () => (await hub.clusters()).length === 1)
      return world
    } catch (error) {
      await world.close()
      throw error
    }
  }

  /** An agent has joined, and everything is as Git says. */
  async join(): Promise<void> {
    // Whoever keeps Secrets lives in their namespace, which its manifests make.
    if (this.#options.state === 'secrets')
      await askCluster(this.cluster, 'POST', '/api/v1/namespaces', SYSTEM_NAMESPACE)
    const agent = this.startAgent(['--join-token', await this.joinToken()])
    const ended = agent.ended.then(() => {
      throw new Error(`the agent ended before it had joined:\n${agent.stderr()}`)
    })
    ended.catch(() => undefined)
    await Promise.race([ended, this.hub.settled((this.#options.apps ?? ['web']).length)])
  }

  async joinToken(): Promise<string> {
    const { token } = await this.hub.api.post(`/api/v1/clusters/${CLUSTER}/join-tokens`)
    return String(token)
  }

  /** Starts a process of the agent, after one that has ended or beside it. */
  startAgent(flags: readonly string[] = []): Started {
    this.agent = this.processOfAgent(this.plane.kubeconfigPath, flags)
    return this.agent
  }

  /** A process that believes to be the agent of a cluster; {@link startAgent} for ours. */
  processOfAgent(kubeconfigPath: string, flags: readonly string[] = []): Started {
    const { program, state = 'folder' } = this.#options
    const kept = state === 'folder' ? ['--data-directory', join(this.folder.path, 'agent')] : []
    const words = ['agent', '--name', CLUSTER, '--kubeconfig', kubeconfigPath, ...kept, ...flags]
    return start(words, program === undefined ? {} : { program })
  }

  /** What the ConfigMap of an Application says in the cluster. */
  async valueOf(app: string): Promise<string> {
    return textAt(await objectIn(this.cluster, `/api/v1/namespaces/shop/configmaps/${app}`), 'data', 'value')
  }

  /** Which start of the agent the Lease names. */
  async incarnation(): Promise<number> {
    return Number(textAt(await objectIn(this.cluster, LEASE), 'metadata', 'annotations', 'flotilla.dev/incarnation'))
  }

  /** How things stand, for a test that waits in vain. */
  async told(): Promise<string> {
    return `${JSON.stringify(await this.hub.applications())}\n${this.agent.stderr().slice(-5000)}`
  }

  async close(): Promise<void> {
    await this.hub.close()
    await endAll()
    await this.cluster.close()
    await this.plane.stop()
    await this.folder.remove()
  }
}

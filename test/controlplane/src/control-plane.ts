import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { type Apiserver, type ClusterUser, startApiserver } from './apiserver.ts'
import type { AuditLevel } from './audit.ts'
import { buildControlPlane } from './build.ts'
import {
  type ControllerOptions,
  nodeName,
  startControllerManager,
  startKwok,
  startScheduler,
  writeSecretJson,
} from './controllers.ts'
import { ControlPlaneFailed } from './errors.ts'
import { type Etcd, startEtcd } from './etcd.ts'
import { furnish, isNodeReady, isServiceAccountThere } from './furnish.ts'
import { httpsTransport } from './https-transport.ts'
import { type Kubeconfig, kubeconfig } from './kubeconfig.ts'
import { type PlayedKubelet, playKubelet } from './played-kubelet.ts'
import { makeRunDirectory } from './run-directory.ts'
import { forgetRunDirectory, type ServerProcess } from './server-process.ts'
import { waitUntilReady } from './wait-ready.ts'

export interface ControlPlaneOptions {
  /**
   * `all` (default): controllers, scheduler, and kwok with one Node, so that workloads reach their statuses. `apiserver`:
   * etcd and kube-apiserver alone, which start in two thirds of the time and take less than half of the memory.
   */
  readonly components?: 'all' | 'apiserver'
  /** What the audit log keeps of each write; `metadata` by default. */
  readonly audit?: AuditLevel
  /** Users that exist from the beginning, besides the administrator. They have no rights until RBAC gives them some. */
  readonly users?: readonly { readonly name: string; readonly groups?: readonly string[] }[]
  /** A folder that `saveData` has written: the control planes begin as copies of those. */
  readonly data?: string
}

/** A real control plane that runs until `stop`, or until this process ends. */
export interface ControlPlane {
  /** `c1`, `c2`, … */
  readonly name: string
  /** `https://127.0.0.1:41234`; stays the same over `restart`. */
  readonly url: string
  /** Bearer token of the group system:masters. */
  readonly adminToken: string
  /** PEM. */
  readonly certificateAuthority: string
  /** The administrator's. */
  readonly kubeconfig: Kubeconfig
  /** The same as a file. */
  readonly kubeconfigPath: string
  /** Holds `kubectl`. */
  readonly binariesDirectory: string
  /** Of Kubernetes, as in `v1.36.3`. */
  readonly version: string
  /**
   * Requests as one identity over connections of its own; close it when done.
   *
   * @param token The administrator's by default; null for anonymous requests.
   */
  transport(token?: string | null): ClusterTransport
  /** A user of `options.users` or `addUser`. @throws When there is none of that name. */
  user(name: string): ClusterUser
  /** Adds a user. The apiserver reads users when it starts, so this restarts it (2 s). */
  addUser(name: string, groups?: readonly string[]): Promise<ClusterUser>
  /** A kubeconfig for a user, as a file; returns its path. */
  writeKubeconfig(user: ClusterUser): Promise<string>
  /** The apiserver stops answering, connections stay open: an outage that only time-outs can notice. */
  pause(): void
  resume(): void
  /** The apiserver dies at once: connections are reset and refused. */
  kill(): Promise<void>
  /** Starts the apiserver again, at the same address with the same data, and waits until it is ready. */
  restart(): Promise<void>
  /**
   * Copies what etcd holds, of all control planes that share it, into a folder that is not there yet. For some tenths of
   * a second nobody is answered from it.
   */
  saveData(folder: string): Promise<void>
  /**
   * etcd is put back to what `saveData` has copied, of all control planes that share it, and this apiserver starts anew
   * on it. Versions of objects go back, too: it is the plain copy of a disk, which is what people make.
   */
  restoreData(folder: string): Promise<void>
  /** Has the Node's kubelet answer for logs, until it is closed or the control plane is stopped. */
  playKubelet(): Promise<PlayedKubelet>
  /** Path of the audit log: see `readAuditLog`. */
  auditLog(): string
  /** Ends all processes and removes their files. Calling it twice does nothing. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * One control plane. Builds the binaries when they are not in the cache.
 *
 * @throws ControlPlaneUnavailable when they cannot be built; ControlPlaneFailed when a server does not start.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const [controlPlane] = await startControlPlanes(1, options)
  return controlPlane!
}

/**
 * Several control planes, each with a prefix of its own in one etcd, which ends when the last of them is stopped. They
 * start at the same time; each takes about 2 s of a core and 200 MB for the apiserver alone.
 */
export async function startControlPlanes(
  count: number,
  options: ControlPlaneOptions = {},
): Promise<readonly ControlPlane[]> {
  const binaries = await buildControlPlane()
  const run = await makeRunDirectory()
  const servers: ServerProcess[] = []
  const stopAll = async () => {
    await Promise.all(servers.map(server => server.kill()))
    forgetRunDirectory(run)
  }
  let running = count
  const release = async () => {
    running -= 1
    if (running === 0) await stopAll()
  }
  try {
    const etcd = await startEtcd(binaries, run, options.data)
    servers.push(currentProcess('etcd', etcd))
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, (_, index) =>
        startOne(`c${index + 1}`, options, { binaries, run, etcd, servers, release }),
      ),
    )
    return outcomes.map(outcome => {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    })
  } catch (error) {
    await stopAll()
    throw error
  }
}

interface Shared extends Pick<ControllerOptions, 'binaries' | 'run'> {
  readonly etcd: Etcd
  /** All processes of the run, for the case that another control plane fails to start. */
  readonly servers: ServerProcess[]
  release(): Promise<void>
}

async function startOne(name: string, options: ControlPlaneOptions, shared: Shared): Promise<ControlPlane> {
  const folder = join(shared.run.path, name)
  const components = options.components ?? 'all'
  const user = (userName: string, groups: readonly string[]): ClusterUser => ({
    name: userName,
    groups,
    token: randomBytes(24).toString('hex'),
  })
  const admin = user('admin', ['system:masters'])
  const launcher = user('flotilla:launcher', ['system:masters'])
  const users = [
    admin,
    launcher,
    user('flotilla:kwok', ['system:masters']),
    user('system:kube-controller-manager', []),
    user('system:kube-scheduler', []),
    ...(options.users ?? []).map(given => user(given.name, given.groups ?? [])),
  ]
  await mkdir(folder, { recursive: true })
  const apiserver = await startApiserver(
    {
      ...shared,
      etcdUrl: shared.etcd.url,
      folder,
      etcdPrefix: `/${name}`,
      audit: options.audit ?? 'metadata',
      withServiceAccounts: components === 'all',
    },
    users,
  )
  // Its process changes with each restart, so it is looked up when the run ends.
  shared.servers.push(currentProcess('kube-apiserver', apiserver))
  const { url, certificateAuthority } = apiserver
  const findUser = (userName: string): ClusterUser => {
    const found = users.find(one => one.name === userName)
    if (found === undefined) throw new Error(`control plane ${name} has no user ${JSON.stringify(userName)}`)
    return found
  }
  const configOf = (one: ClusterUser) => kubeconfig(name, url, certificateAuthority, one.name, one.token)
  const writeKubeconfig = (one: ClusterUser) =>
    writeSecretJson(join(folder, `${one.name.replaceAll(/[^\w-]/g, '_')}.kubeconfig`), configOf(one))
  const transport = (token: string | null = admin.token) =>
    httpsTransport({ url, certificateAuthority, ...(token === null ? {} : { token }) })

  const controllers: ServerProcess[] = []
  if (components === 'all') {
    // Each is known to the run as soon as it is started: a later one may fail.
    const started = (server: ServerProcess) => {
      controllers.push(server)
      shared.servers.push(server)
    }
    await startControllers(started, {
      ...shared,
      folder,
      kubeconfigFor: userName => writeKubeconfig(findUser(userName)),
      signingKeyPath: apiserver.signingKeyPath,
      certificateAuthorityPath: apiserver.certificateAuthorityPath,
    })
  }
  const setup = transport(launcher.token)
  try {
    await furnish(setup, components)
    if (components === 'all') await waitForControllers(setup, controllers)
  } finally {
    await setup.close()
  }

  const kubelets: PlayedKubelet[] = []
  let stopped = false
  const stop = async () => {
    if (stopped) return
    stopped = true
    await Promise.all(kubelets.map(kubelet => kubelet.close()))
    await Promise.all([...controllers, apiserver.process()].map(server => server.kill()))
    await shared.release()
  }
  return {
    name,
    url,
    adminToken: admin.token,
    certificateAuthority,
    kubeconfig: configOf(admin),
    kubeconfigPath: await writeKubeconfig(admin),
    binariesDirectory: shared.binaries.directory,
    version: shared.binaries.version,
    transport,
    user: findUser,
    async addUser(userName, groups = []) {
      const added = user(userName, groups)
      users.push(added)
      await apiserver.writeUsers(users)
      await apiserver.restart()
      return added
    },
    writeKubeconfig,
    pause: () => apiserver.process().signal('SIGSTOP'),
    resume: () => apiserver.process().signal('SIGCONT'),
    kill: () => apiserver.process().kill(),
    restart: () => apiserver.restart(),
    saveData: to => shared.etcd.copyTo(to),
    async restoreData(from) {
      await apiserver.process().kill()
      await shared.etcd.replaceBy(from)
      await apiserver.restart()
    },
    async playKubelet() {
      const setup = transport(launcher.token)
      try {
        const { certificateAuthorityPath: certificatePath } = apiserver
        const kubelet = await playKubelet({ transport: setup, nodeName, certificatePath })
        kubelets.push(kubelet)
        return kubelet
      } finally {
        await setup.close()
      }
    },
    auditLog: () => apiserver.auditLogPath,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A server as one process, though it is a new one after each restart. */
function currentProcess(name: string, server: Pick<Apiserver | Etcd, 'process'>): ServerProcess {
  return {
    name,
    get pid() {
      return server.process().pid
    },
    get ended() {
      return server.process().ended
    },
    isRunning: () => server.process().isRunning(),
    signal: signal => server.process().signal(signal),
    kill: () => server.process().kill(),
    failure: message => server.process().failure(message),
  }
}

async function startControllers(started: (server: ServerProcess) => void, options: ControllerOptions): Promise<void> {
  started(await startControllerManager(options))
  started(await startScheduler(options))
  started(await startKwok(options))
}

/** They listen on no port: ready is what they have done. */
async function waitForControllers(transport: ClusterTransport, controllers: readonly ServerProcess[]): Promise<void> {
  const isReady = async () => {
    const dead = controllers.find(server => !server.isRunning())
    if (dead !== undefined) throw await dead.failure('ended before the cluster was ready')
    return (await isServiceAccountThere(transport)) && (await isNodeReady(transport, nodeName))
  }
  const failure = await waitUntilReady(controllers[0]!, isReady)
  if (failure === undefined) return
  throw failure.cause instanceof ControlPlaneFailed ? failure.cause : failure
}

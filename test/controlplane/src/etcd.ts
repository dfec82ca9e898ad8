import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlPlaneBinaries } from './build.ts'
import { freePort } from './free-port.ts'
import type { RunDirectory } from './run-directory.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { startUntilReady } from './wait-ready.ts'

export interface Etcd {
  readonly url: string
  readonly server: ServerProcess
}

/** One etcd for all control planes of a run; each has a prefix of its own. Nothing is synced to disk. */
export async function startEtcd(binaries: ControlPlaneBinaries, run: RunDirectory): Promise<Etcd> {
  const folder = join(run.path, 'etcd')
  await mkdir(folder, { recursive: true })
  return startUntilReady(async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const peerUrl = `http://127.0.0.1:${await freePort()}`
    const server = startServer(run, folder, join(binaries.directory, 'etcd'), [
      `--data-dir=${folder}/data`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      '--unsafe-no-fsync',
      '--log-level=error',
    ])
    return { server, value: { url, server }, isReady: async () => (await fetch(`${url}/health`)).ok }
  })
}

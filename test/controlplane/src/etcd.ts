import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlPlaneBinaries } from './build.ts'
import { freePort } from './free-port.ts'
import type { RunDirectory } from './run-directory.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { startUntilReady, waitUntilReady } from './wait-ready.ts'

export interface Etcd {
  readonly url: string
  /** A new one after each `copyTo` and `replaceBy`. */
  process(): ServerProcess
  /** Copies its data into a folder that is not there yet. It is stopped for that: some tenths of a second. */
  copyTo(folder: string): Promise<void>
  /** Goes on with the data of such a copy, at the same address. Whoever has read from it before has to start anew. */
  replaceBy(folder: string): Promise<void>
}

/**
 * One etcd for all control planes of a run; each has a prefix of its own. Nothing is synced to disk.
 *
 * @param from A copy to begin with.
 */
export async function startEtcd(binaries: ControlPlaneBinaries, run: RunDirectory, from?: string): Promise<Etcd> {
  const folder = join(run.path, 'etcd')
  const data = join(folder, 'data')
  await mkdir(folder, { recursive: true })
  return startUntilReady(async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const peerUrl = `http://127.0.0.1:${await freePort()}`
    if (from !== undefined) await replaceFolder(data, from)
    const start = () =>
      startServer(run, folder, join(binaries.directory, 'etcd'), [
        `--data-dir=${data}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        '--unsafe-no-fsync',
        '--log-level=error',
      ])
    let server = start()
    const isReady = async () => (await fetch(`${url}/health`)).ok
    const whileStopped = async (work: () => Promise<void>) => {
      await server.kill()
      await work()
      server = start()
      const failure = await waitUntilReady(server, isReady)
      if (failure !== undefined) throw failure
    }
    const value: Etcd = {
      url,
      process: () => server,
      copyTo: to => whileStopped(() => cp(data, to, { recursive: true, errorOnExist: true, force: false })),
      replaceBy: copy => whileStopped(() => replaceFolder(data, copy)),
    }
    return { server, value, isReady }
  })
}

async function replaceFolder(folder: string, by: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await cp(by, folder, { recursive: true })
}

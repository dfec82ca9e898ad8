import { appendFileSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { commandLine, processStart } from './process-table.ts'

/** `launcher <pid> <start>` on the first line, then `child <pid>` for each process. */
const processListName = 'processes'

/**
 * A folder for one run: data of etcd, certificates, logs, and the list of the processes that were started, so that the
 * next run can clean up after a launcher that was killed.
 */
export interface RunDirectory {
  readonly path: string
  /** Must be called in the same turn as the spawn: synchronous, so that no death of the launcher comes between. */
  recordChild(pid: number): void
  /** Removes everything. Synchronous, for use while the process exits. */
  removeNow(): void
}

function runsDirectory(): string {
  return join(tmpdir(), `flotilla-controlplane-${userInfo().uid}`)
}

/** Makes a new run directory, after ending and removing what dead launchers left behind. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const runs = runsDirectory()
  await mkdir(runs, { recursive: true, mode: 0o700 })
  await removeLeftovers(runs)
  const path = await mkdtemp(join(runs, 'run-'))
  const list = join(path, processListName)
  await writeFile(list, `launcher ${process.pid} ${await processStart(process.pid)}\n`)
  return {
    path,
    recordChild: pid => appendFileSync(list, `child ${pid}\n`),
    removeNow: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }),
  }
}

async function removeLeftovers(runs: string): Promise<void> {
  for (const name of await readdir(runs)) {
    const path = join(runs, name)
    const list = await readProcessList(join(path, processListName))
    // Without its list a run directory is just being made, or just being removed.
    if (list === undefined || (await processStart(list.launcher)) === list.launcherStart) continue
    for (const pid of list.children) {
      // The id may belong to anyone by now. Ours name their run directory in their arguments.
      if ((await commandLine(pid))?.includes(`${path}/`)) process.kill(pid, 'SIGKILL')
    }
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

interface ProcessList {
  readonly launcher: number
  readonly launcherStart: string
  readonly children: readonly number[]
}

async function readProcessList(path: string): Promise<ProcessList | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const launcher = /^launcher (\d+) (.+)$/m.exec(text)
  if (launcher === null) return undefined
  const children = [...text.matchAll(/^child (\d+)$/gm)].map(match => Number(match[1]))
  return { launcher: Number(launcher[1]), launcherStart: launcher[2]!, children }
}

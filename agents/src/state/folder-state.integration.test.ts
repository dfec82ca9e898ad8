import * as nodeFiles from 'node:fs/promises'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { agentStateConformance } from './agent-state.conformance.ts'
import { encodeName, type FolderFiles, openFolderState } from './folder-state.ts'

const places: string[] = []
async function place(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-state-'))
  places.push(folder)
  return join(folder, 'state')
}
afterAll(async () => {
  for (const folder of places) await rm(folder, { recursive: true, force: true })
})

/** The file system of a process that dies at its `step`th change; a file that is being written is cut off. */
function dyingFiles(step: number, when: 'before' | 'after'): FolderFiles {
  let steps = 0
  const doing = async <T>(change: () => Promise<T>): Promise<T> => {
    if (++steps > step) throw new Error('this process was killed')
    if (steps < step) return await change()
    if (when === 'after') await change()
    throw new Error('this process was killed')
  }
  const { link, mkdir, open, readdir, readFile, rename, rm, unlink } = nodeFiles
  const opening = async (...words: Parameters<typeof open>) => {
    const handle = await doing(() => open(...words))
    const write = handle.writeFile.bind(handle)
    handle.writeFile = async (data: Parameters<typeof write>[0]) => {
      const bytes = Buffer.from(data as Uint8Array)
      try {
        await doing(() => write(bytes))
      } catch (error) {
        if (steps === step && when === 'before') await write(bytes.subarray(0, bytes.length / 2))
        throw error
      }
    }
    return handle
  }
  return {
    mkdir,
    readdir,
    readFile,
    open: opening as FolderFiles['open'],
    link: (...words) => doing(() => link(...words)),
    rename: (...words) => doing(() => rename(...words)),
    rm: (...words) => doing(() => rm(...words)),
    unlink: (...words) => doing(() => unlink(...words)),
  }
}

agentStateConformance('a folder', {
  place,
  open: folder => openFolderState(folder),
  openDying: (folder, step, when) => openFolderState(folder, dyingFiles(step, when)),
})

test('nobody but its user can read it', async () => {
  const folder = await place()
  const state = await openFolderState(folder)
  await state.put('agent-key', Buffer.from('secret'))
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect((await stat(join(folder, encodeName('agent-key')))).mode & 0o777).toBe(0o600)
})

test('what a killed process left half written is gone after the next start', async () => {
  const folder = await place()
  await openFolderState(folder)
  await writeFile(join(folder, '.tmp', 'half'), 'ha')
  const state = await openFolderState(folder)
  expect(await readdir(join(folder, '.tmp'))).toEqual([])
  expect(await state.list('')).toEqual([])
})

test('a folder that cannot be written is an error that names it', async () => {
  const folder = await place()
  const state = await openFolderState(folder)
  await rm(folder, { recursive: true })
  await writeFile(folder, 'a file where the folder was')
  await chmod(folder, 0o400)
  await expect(state.put('key', Buffer.from('x'))).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE', retry: true })
})

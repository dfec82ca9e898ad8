import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { agentStateConformance } from './agent-state.conformance.ts'
import { encodeName, openFolderState } from './folder-state.ts'

const places: string[] = []
async function place(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-state-'))
  places.push(folder)
  return join(folder, 'state')
}
afterAll(async () => {
  for (const folder of places) await rm(folder, { recursive: true, force: true })
})

agentStateConformance('a folder', { place, open: openFolderState })

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

import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openRevocations, revocationsFile } from './revocations.ts'

const folders: string[] = []
async function keyFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-revoked-'))
  folders.push(folder)
  return join(folder, 'hub.key')
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})
const key = (id: string) => ({ at: 1, kind: 'agent-key', id, name: 'eu-1' }) as const

describe('what was revoked', () => {
  test('is beside hub.key, for its user alone, and known after a restart', async () => {
    const path = await keyFile()
    const revocations = await openRevocations(path)
    expect(revocations.hasKey('k1')).toBe(false)
    await Promise.all([
      revocations.add([key('k1')]),
      revocations.add([key('k2'), { ...key('t1'), kind: 'join-token' }]),
    ])
    await revocations.add([key('k1')])
    expect((await stat(revocationsFile(path))).mode & 0o777).toBe(0o600)
    expect((await readFile(revocationsFile(path), 'utf8')).trim().split('\n')).toHaveLength(3)
    const again = await openRevocations(path)
    expect([again.hasKey('k1'), again.hasKey('k2'), again.hasToken('t1'), again.hasToken('k1')]).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  test('survives a line that was cut off while it was written', async () => {
    const path = await keyFile()
    await (await openRevocations(path)).add([key('k1')])
    await appendFile(revocationsFile(path), '{"at":1,"kind":"agent-key","id":"k')
    const cut = await openRevocations(path)
    expect(cut.hasKey('k1')).toBe(true)
    await cut.add([key('k3')])
    const again = await openRevocations(path)
    expect([again.hasKey('k1'), again.hasKey('k3')]).toEqual([true, true])
  })

  test('that cannot be read keeps the hub from starting', async () => {
    const path = await keyFile()
    await writeFile(revocationsFile(path), '{"kind":"something else","id":"x"}\n')
    await expect(openRevocations(path)).rejects.toMatchObject({ code: 'HUB_KEY_MALFORMED' })
  })

  test('is refused at once although it cannot be written', async () => {
    const path = join(await keyFile(), 'no-such-folder', 'hub.key')
    const revocations = await openRevocations(path)
    await expect(revocations.add([key('k1')])).rejects.toMatchObject({ code: 'HUB_KEY_UNREADABLE' })
    expect(revocations.hasKey('k1')).toBe(true)
  })

  test('that could not be written is written when it is revoked again', async () => {
    const path = join(await keyFile(), 'away', 'hub.key')
    const revocations = await openRevocations(path)
    await expect(revocations.add([key('k1')])).rejects.toMatchObject({ code: 'HUB_KEY_UNREADABLE' })
    await expect(revocations.add([key('k1')])).rejects.toMatchObject({ code: 'HUB_KEY_UNREADABLE' })
    await mkdir(dirname(path), { recursive: true })
    await revocations.add([key('k1')])
    await revocations.add([key('k1')])
    expect((await readFile(revocationsFile(path), 'utf8')).trim().split('\n')).toHaveLength(1)
    expect((await openRevocations(path)).hasKey('k1')).toBe(true)
  })

  test('that could not be written is written with the next one', async () => {
    const path = join(await keyFile(), 'away', 'hub.key')
    const revocations = await openRevocations(path)
    await expect(revocations.add([key('k1')])).rejects.toMatchObject({ code: 'HUB_KEY_UNREADABLE' })
    await mkdir(dirname(path), { recursive: true })
    await revocations.add([key('k2')])
    const again = await openRevocations(path)
    expect([again.hasKey('k1'), again.hasKey('k2')]).toEqual([true, true])
  })
})

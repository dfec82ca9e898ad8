import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { verifyJws } from '@flotilla/core/protocol/jws'
import { afterAll, describe, expect, test } from 'vitest'
import { loadOrCreateHubKeys, saveHubCa } from './hub-keys.ts'

const clock = createClock(globalThis)
const random = createRandom(randomBytes)
const folders: string[] = []
async function place(): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-key-'))
  folders.push(folder)
  return { folder: join(folder, 'keys'), path: join(folder, 'keys', 'hub.key') }
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

describe('hub.key', () => {
  test('is made once, for its user alone, and read again', async () => {
    const { folder, path } = await place()
    const made = await loadOrCreateHubKeys(path, random, clock)
    const read = await loadOrCreateHubKeys(path, random, clock)
    expect([read.hubId, read.kid, [...read.bundleKey]]).toEqual([made.hubId, made.kid, [...made.bundleKey]])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['hub.key'])
    const verified = verifyJws(made.sign('offer', { a: 1 }), { typ: 'offer', key: kid => read.publicKeys.get(kid) })
    expect(verified).toMatchObject({ kind: 'verified', payload: { a: 1 } })
  })

  test('of hubs that start at once on an empty folder is one', async () => {
    const { folder, path } = await place()
    const all = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateHubKeys(path, random, clock)))
    expect(new Set(all.map(keys => keys.hubId)).size).toBe(1)
    expect(await readdir(folder)).toEqual(['hub.key'])
  })

  test('keeps the CA that is added, and everything else', async () => {
    const { path } = await place()
    const before = await loadOrCreateHubKeys(path, random, clock)
    const ca = { certificatePem: 'certificate', privateKeyPem: 'key' }
    await saveHubCa(path, ca)
    const after = await loadOrCreateHubKeys(path, random, clock)
    expect(after).toMatchObject({ hubId: before.hubId, kid: before.kid, ca })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  const damages: Record<string, (text: string) => string> = {
    'cut off': text => text.slice(0, 50),
    empty: () => '',
    'of another version': text => text.replace('"version":1', '"version":2'),
    'with another seed than its chain': text =>
      text.replace(/"seed":"[^"]+"/, `"seed":"${Buffer.alloc(32, 7).toString('base64url')}"`),
    'with a seed that is too short': text => text.replace(/"seed":"[^"]+"/, '"seed":"AAAA"'),
  }
  for (const [what, damage] of Object.entries(damages)) {
    test(`that is ${what} is an error and is not replaced`, async () => {
      const { path } = await place()
      await loadOrCreateHubKeys(path, random, clock)
      const damaged = damage(await readFile(path, 'utf8'))
      await chmod(path, 0o600)
      await writeFile(path, damaged)
      await expect(loadOrCreateHubKeys(path, random, clock)).rejects.toMatchObject({
        code: 'HUB_KEY_MALFORMED',
        subject: path,
      })
      expect(await readFile(path, 'utf8')).toBe(damaged)
    })
  }
})

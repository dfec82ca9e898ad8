import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { acceptedHubKeys, newerHubKey, walkHubKeys } from '@flotilla/core/protocol/hub-key-chain'
import { verifyJws } from '@flotilla/core/protocol/jws'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleCluster } from '../store/sample-rows.ts'
import { silentLog, stillClock } from '../store/test-store.ts'
import { loadOrCreateHubKeys, saveHubCa } from './hub-keys.ts'
import { HubKeyRotation } from './rotate-hub-key.ts'

const clock = stillClock()
const folders: string[] = []
async function place() {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-rotate-'))
  folders.push(folder)
  const path = join(folder, 'hub.key')
  const random = seededRandom(4)
  const keys = await loadOrCreateHubKeys(path, random, clock)
  const store = new MemoryStore()
  let told = 0
  const rotation = new HubKeyRotation({ keys, store, clock, random, log: silentLog, changed: () => void told++ })
  return { folder, path, random, keys, store, rotation, told: () => told }
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

describe('a new key of the hub', () => {
  test('waits for every cluster that joined, and for no other', async () => {
    const { store, rotation, keys } = await place()
    const first = keys.kid
    await store.write(async rows => {
      await rows.putCluster(sampleCluster({ id: 'a', name: 'a', agentKey: 'x', hubKid: first }))
      await rows.putCluster(sampleCluster({ id: 'b', name: 'b', agentKey: 'y', hubKid: first }))
      await rows.putCluster(sampleCluster({ id: 'c', name: 'never-joined', agentKey: undefined }))
      await rows.putCluster(sampleCluster({ id: 'd', name: 'revoked', agentKey: 'z', revokedAt: 1 }))
    })
    expect(await rotation.rotate('ana', false)).toMatchObject({ kind: 'announced', shown: { waitingFor: ['a', 'b'] } })
    expect(await rotation.rotate('ana', false)).toMatchObject({ kind: 'waiting' })
    await rotation.known('a', keys.newest)
    expect(keys.kid).toBe(first)
    await rotation.known('b', 'a key of nobody')
    expect(keys.kid).toBe(first)
    await rotation.known('b', keys.newest)
    expect(keys.kid).toBe(keys.newest)
    expect(keys.list().map(({ state }) => state)).toEqual(['retired', 'signing'])
    const audit = await store.read(rows => rows.audit({ limit: 10 }))
    expect(audit.map(({ action }) => action)).toEqual(['hub-key.sign', 'hub-key.announce'])
  })

  test('signs at once when an operator says so', async () => {
    const { store, rotation, keys, told } = await place()
    await store.write(rows => rows.putCluster(sampleCluster({ agentKey: 'x', hubKid: keys.kid })))
    expect(await rotation.rotate('ana', true)).toMatchObject({ kind: 'signing' })
    expect(keys.kid).toBe(keys.newest)
    expect(told()).toBe(2)
  })

  test('outlives a crash between its two steps, and the CA that is added meanwhile', async () => {
    const { path, random, keys } = await place()
    await keys.announce(random, clock.now())
    await saveHubCa(path, { certificatePem: 'c', privateKeyPem: 'p' })
    const again = await loadOrCreateHubKeys(path, random, clock)
    expect([again.kid, again.newest, again.ca?.certificatePem]).toEqual([keys.kid, keys.newest, 'c'])
    await again.activate()
    const last = await loadOrCreateHubKeys(path, random, clock)
    expect([last.kid, last.newest, last.ca?.certificatePem]).toEqual([keys.newest, keys.newest, 'c'])
    expect(await last.activate()).toBeUndefined()
    expect(JSON.parse(await readFile(path, 'utf8'))).not.toHaveProperty('next')
  })

  test('has a copy before it counts, for the user alone; three stay, and each of them is a hub.key', async () => {
    const { folder, path, random, keys } = await place()
    for (let round = 0; round < 3; round++) {
      await keys.announce(random, clock.now())
      await keys.activate()
    }
    const copies = (await readdir(`${path}.backups`)).sort()
    expect(copies).toEqual(['0003-signing.key', '0004-announced.key', '0004-signing.key'])
    for (const copy of copies) {
      const file = join(`${path}.backups`, copy)
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      await writeFile(join(folder, 'copy.key'), await readFile(file))
      expect((await loadOrCreateHubKeys(join(folder, 'copy.key'), random, clock)).hubId).toBe(keys.hubId)
    }
  })

  test('that cannot be written leaves everything as it was', async () => {
    const { path, random, keys } = await place()
    await writeFile(`${path}.backups`, 'a file where the folder of copies would be')
    await expect(keys.announce(random, clock.now())).rejects.toMatchObject({ code: 'HUB_KEY_UNREADABLE' })
    expect(keys.newest).toBe(keys.kid)
    expect((await loadOrCreateHubKeys(path, random, clock)).links).toHaveLength(1)
  })

  test('signs what is stored anew, and nothing that this hub did not sign', async () => {
    const { random, keys } = await place()
    const old = keys.sign('offer', { a: 1 })
    const forged = `${old.slice(0, -6)}AAAAAA`
    await keys.announce(random, clock.now())
    expect(keys.fresh(old)).toBe(old)
    await keys.activate()
    const fresh = keys.fresh(old)
    const verified = verifyJws(fresh, {
      typ: 'offer',
      key: kid => (kid === keys.kid ? keys.publicKeys.get(kid) : undefined),
    })
    expect(verified).toMatchObject({ kind: 'verified', payload: { a: 1 } })
    expect(fresh.split('.')[1]).toBe(old.split('.')[1])
    expect(keys.fresh(forged)).toBe(forged)
    expect(keys.fresh('no jws')).toBe('no jws')
  })

  test('ends what may be said by those before it: at two rotations at once, and by its first signature', async () => {
    const { random, keys } = await place()
    const kids = [keys.kid]
    for (let round = 0; round < 2; round++) {
      await keys.announce(random, clock.now())
      await keys.activate()
      kids.push(keys.kid)
    }
    const [k1 = '', k2 = '', k3 = ''] = kids
    const walk = walkHubKeys(keys.links, k1)
    if (walk.kind === 'refused') throw new Error(walk.message)
    const accepted = (proved?: string) => [...acceptedHubKeys(walk.keys, proved).keys()]
    expect(accepted()).toEqual([k2, k3])
    expect(accepted(k1)).toEqual([k2, k3])
    expect(accepted(k3)).toEqual([k3])
    expect([
      newerHubKey(walk.keys, undefined, k1),
      newerHubKey(walk.keys, k3, k2),
      newerHubKey(walk.keys, k1, k3),
    ]).toEqual([k1, k3, k3])
  })
})

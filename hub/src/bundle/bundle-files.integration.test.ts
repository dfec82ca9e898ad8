import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sha256 } from '@flotilla/core/json/canonical-json'
import { createRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { afterEach, describe, expect, it } from 'vitest'
import { BundleFiles } from './bundle-files.ts'
import { describeBundleStore } from './bundle-store.conformance.ts'

const run = promisify(execFile)
const random = createRandom(count => randomBytes(count))
const key = new Uint8Array(32).fill(1)
const bytes = new TextEncoder().encode(`{"format":1,"objects":["${'secret '.repeat(50)}"]}`)
const digest = sha256(bytes)
const folders: string[] = []

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-bundles-'))
  folders.push(folder)
  return folder
}

const makeClock = () => new VirtualClock({ startAt: 1_760_000_000_000, settle: async () => undefined })
const files = (dataDirectory: string, more: { readonly key?: Uint8Array; readonly maxBytes?: number } = {}) =>
  new BundleFiles({ dataDirectory, key, random, clock: makeClock(), ...more })
const pathIn = (folder: string) => join(folder, 'bundles', digest.slice(7, 9), digest.slice(7))

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

describeBundleStore('BundleFiles', async () => {
  const clock = makeClock()
  const store = new BundleFiles({ dataDirectory: await makeFolder(), key, random, clock })
  return { store, setTime: now => clock.step(now - clock.now()) }
})

describe('BundleFiles', () => {
  it('reads after a restart, with the same key alone', async () => {
    const folder = await makeFolder()
    await files(folder).put(digest, bytes)
    expect(sha256((await files(folder).get(digest))!)).toBe(digest)
    const other = files(folder, { key: new Uint8Array(32).fill(2) })
    await expect(other.get(digest)).rejects.toMatchObject({ code: 'BUNDLE_CORRUPT', retry: false })
  })

  it('writes nothing readable, for nobody else, and never the same way twice', async () => {
    const folder = await makeFolder()
    await files(folder).put(digest, bytes)
    const first = await readFile(pathIn(folder))
    expect(first.includes('secret')).toBe(false)
    expect((await stat(pathIn(folder))).mode & 0o777).toBe(0o600)
    await files(folder).delete(digest)
    await files(folder).put(digest, bytes)
    expect((await readFile(pathIn(folder))).equals(first)).toBe(false)
  })

  it('any altered byte is BUNDLE_CORRUPT, and storing again mends it', async () => {
    const folder = await makeFolder()
    const store = files(folder)
    await store.put(digest, bytes)
    const sealed = await readFile(pathIn(folder))
    for (const at of [0, 3, 5, 20, sealed.length - 20, sealed.length - 1]) {
      const altered = Buffer.from(sealed)
      altered[at] = (altered[at] ?? 0) ^ 1
      await writeFile(pathIn(folder), altered)
      await expect(store.get(digest)).rejects.toMatchObject({ code: 'BUNDLE_CORRUPT' })
    }
    for (const length of [0, 10, sealed.length - 1]) {
      await writeFile(pathIn(folder), sealed.subarray(0, length))
      await expect(store.get(digest)).rejects.toMatchObject({ code: 'BUNDLE_CORRUPT' })
    }
    await store.put(digest, bytes)
    expect(sha256((await store.get(digest))!)).toBe(digest)
  })

  it('a file under the name of another does not open', async () => {
    const folder = await makeFolder()
    const store = files(folder)
    const other = new TextEncoder().encode('another Bundle')
    await store.put(sha256(other), other)
    await store.put(digest, bytes)
    const [hex] = [sha256(other).slice(7)]
    await writeFile(pathIn(folder), await readFile(join(folder, 'bundles', hex!.slice(0, 2), hex!)))
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'BUNDLE_CORRUPT' })
  })

  it('what inflates beyond the limit is not read', async () => {
    const folder = await makeFolder()
    const zeros = new Uint8Array(5_000_000)
    await files(folder).put(sha256(zeros), zeros)
    await expect(files(folder, { maxBytes: 1_000_000 }).get(sha256(zeros))).rejects.toMatchObject({
      code: 'BUNDLE_CORRUPT',
    })
  })

  it('ignores and removes what a killed hub left half written', async () => {
    const folder = await makeFolder()
    const store = files(folder)
    await store.put(digest, bytes)
    await writeFile(`${pathIn(folder)}.1.0.new`, 'half')
    expect(await store.list()).toHaveLength(1)
    expect(await store.removeLeftovers()).toBe(1)
    expect(await readdir(join(folder, 'bundles', digest.slice(7, 9)))).toEqual([digest.slice(7)])
  })

  it('a folder that cannot be used is BUNDLE_STORE_UNAVAILABLE', async () => {
    const folder = await makeFolder()
    await writeFile(join(folder, 'bundles'), 'a file where a folder should be')
    await expect(files(folder).put(digest, bytes)).rejects.toMatchObject({
      code: 'BUNDLE_STORE_UNAVAILABLE',
      retry: true,
    })
    await chmod(folder, 0o700)
  })

  it('a digest of another form never becomes a path', async () => {
    const store = files(await makeFolder())
    await expect(store.get('sha256:../../etc/passwd')).rejects.toThrow(TypeError)
  })

  it('when the disk is full nothing is left half written, and the same put works once there is room', async () => {
    const folder = await makeFolder()
    // A process whose files may not grow beyond 64 KiB meets the kernel's own refusal, in the middle of a write.
    const script = fileURLToPath(new URL('./testing/put-large-bundle.ts', import.meta.url))
    const command = `ulimit -f 64; trap '' XFSZ; exec "$0" "$1" "$2"`
    const { stdout } = await run('bash', ['-c', command, process.execPath, script, folder])
    expect(JSON.parse(stdout)).toEqual({ code: 'BUNDLE_STORE_FULL', retry: true, stored: [], readBack: 'small' })
    const names = await readdir(join(folder, 'bundles'), { recursive: true, withFileTypes: true })
    expect(names.filter(entry => entry.isFile()).map(entry => entry.name)).toEqual([sha256('small').slice(7)])
  })
})

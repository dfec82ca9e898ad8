import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '@flotilla/core/ports/store'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { readRecoveryState } from '../recovery/recovery-state.ts'
import { backupStore, restoreStore } from './backup.ts'
import { digestOfFile } from './backup-manifest.ts'
import { sampleApplication, sampleSource } from './sample-rows.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { silentLog, stillClock, withDirectory } from './test-store.ts'

const options = { now: Date.UTC(2030, 0, 1), hubVersion: '0.1.0' }
const open = (directory: string) => openSqliteStore({ directory, clock: stillClock(), log: silentLog })

/** A store with one source, backed up while it is open and written to. */
async function withBackup(work: (folder: { store: string; backup: string; fresh: string }) => Promise<void>) {
  await withDirectory(async parent => {
    const folder = { store: join(parent, 'store'), backup: join(parent, 'backup'), fresh: join(parent, 'fresh') }
    const store = await open(folder.store)
    writeFileSync(join(folder.store, 'hub.key'), 'secret')
    mkdirSync(join(folder.store, 'bundles', 'ab'), { recursive: true })
    writeFileSync(join(folder.store, 'bundles', 'ab', 'abcd'), 'encrypted')
    await store.write(rows => rows.putSource(sampleSource()))
    await backupStore(folder.store, folder.backup, options)
    await store.write(rows => rows.putSource(sampleSource({ name: 'later' })))
    await store.close()
    await work(folder)
  })
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(StoreError)
  return (error as StoreError).code
}

it('a backup of a running hub has its rows, a manifest that counts them, and no key', () =>
  withBackup(async ({ backup }) => {
    const manifest = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8'))
    expect(manifest.counts.sources).toBe(1)
    expect(manifest.holds).toEqual({ store: true, bundles: false, hubKey: false })
    expect(manifest.notes.join(' ')).toContain('hub.key is not in this backup')
    expect(manifest.files).toEqual([{ name: 'hub.db', ...(await digestOfFile(join(backup, 'hub.db'))) }])
    expect(readdirSync(backup).sort()).toEqual(['hub.db', 'manifest.json'])
    expect(statSync(join(backup, 'hub.db')).mode & 0o077).toBe(0)
  }))

it('restoring gives the state of the backup in an empty folder', () =>
  withBackup(async ({ backup, fresh }) => {
    await restoreStore(backup, fresh)
    const store = await open(fresh)
    expect((await store.read(rows => rows.sources())).map(row => row.name)).toEqual(['platform'])
    await store.close()
  }))

it('what was restored says so itself, so that the hub on it knows that it is behind', () =>
  withBackup(async ({ backup, fresh }) => {
    await restoreStore(backup, fresh, { now: 7 })
    const store = await open(fresh)
    expect(await store.read(rows => readRecoveryState(rows))).toEqual({ kind: 'behind', since: 7, reason: 'restored' })
    await store.close()
    // The backup is as it was: it can be restored again.
    await restoreStore(backup, `${fresh}-2`, { now: 8 })
    const again = await open(`${fresh}-2`)
    expect(await again.read(rows => readRecoveryState(rows))).toMatchObject({ kind: 'behind', since: 8 })
    await again.close()
  }))

it('restoring over a store needs force, and keeps what was there aside', () =>
  withBackup(async ({ store: directory, backup }) => {
    expect(await codeOf(restoreStore(backup, directory))).toBe('STORE_UNAVAILABLE')
    const untouched = await open(directory)
    expect(await untouched.read(rows => rows.sources())).toHaveLength(2)
    await untouched.close()
    await restoreStore(backup, directory, { force: true })
    const restored = await open(directory)
    expect(await restored.read(rows => rows.sources())).toHaveLength(1)
    await restored.close()
    expect(existsSync(join(directory, 'replaced-1', 'hub.db'))).toBe(true)
    expect(existsSync(join(directory, 'hub.key'))).toBe(true)
    expect(existsSync(join(directory, 'bundles', 'ab', 'abcd'))).toBe(true)
  }))

it('after a restore that was interrupted no hub starts on an empty store, and the restore can be run again', () =>
  withBackup(async ({ backup, fresh }) => {
    // As a process leaves it that dies between moving the old store aside and the new one in.
    mkdirSync(join(fresh, '.restore.ready'), { recursive: true })
    expect(await codeOf(open(fresh))).toBe('STORE_CORRUPT')
    expect(existsSync(join(fresh, 'hub.db'))).toBe(false)
    await restoreStore(backup, fresh, { force: true })
    const store = await open(fresh)
    expect(await store.read(rows => rows.sources())).toHaveLength(1)
    await store.close()
  }))

it('a folder on which a hub runs is not restored into', () =>
  withBackup(async ({ store: directory, backup }) => {
    const running = await open(directory)
    expect(await codeOf(restoreStore(backup, directory, { force: true }))).toBe('STORE_LOCKED')
    await running.close()
  }))

it('the bundles folder travels along when asked for', () =>
  withBackup(async ({ store: directory, backup, fresh }) => {
    const manifest = await backupStore(directory, `${backup}-2`, { ...options, bundles: true })
    expect(manifest.files.map(file => file.name)).toEqual(['bundles/ab/abcd', 'hub.db'])
    await restoreStore(`${backup}-2`, fresh)
    expect(readFileSync(join(fresh, 'bundles', 'ab', 'abcd'), 'utf8')).toBe('encrypted')
  }))

it('a backup does not overwrite one, and needs a store', () =>
  withBackup(async ({ store: directory, backup, fresh }) => {
    expect(await codeOf(backupStore(directory, backup, options))).toBe('STORE_UNAVAILABLE')
    expect(await codeOf(backupStore(fresh, `${backup}-2`, options))).toBe('STORE_UNAVAILABLE')
    expect(existsSync(`${backup}-2`)).toBe(false)
  }))

const editManifest = (backup: string, edit: (manifest: Record<string, unknown>) => void): void => {
  const file = join(backup, 'manifest.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  edit(manifest)
  writeFileSync(file, JSON.stringify(manifest))
}
const DAMAGES: { readonly [sentence: string]: (backup: string) => void | Promise<void> } = {
  'without a manifest': backup => writeFileSync(join(backup, 'manifest.json'), ''),
  'with a changed file': backup => {
    const file = join(backup, 'hub.db')
    const bytes = readFileSync(file)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(file, bytes)
  },
  'whose manifest leaves the folder': backup =>
    editManifest(backup, manifest => {
      manifest['files'] = [{ name: '../store/hub.key', size: 6, sha256: `sha256:${'0'.repeat(64)}` }]
    }),
  'whose manifest climbs out of bundles': backup =>
    editManifest(backup, manifest => {
      manifest['files'] = [{ name: 'bundles/../../store/hub.key', size: 6, sha256: `sha256:${'0'.repeat(64)}` }]
    }),
  'of another format': backup => editManifest(backup, manifest => Object.assign(manifest, { format: 2 })),
  'that names no database': backup => editManifest(backup, manifest => Object.assign(manifest, { files: [] })),
}
for (const [sentence, damage] of Object.entries(DAMAGES)) {
  it(`a backup ${sentence} is refused and nothing is made`, () =>
    withBackup(async ({ backup, fresh }) => {
      await damage(backup)
      expect(await codeOf(restoreStore(backup, fresh))).toBe('STORE_CORRUPT')
      expect(existsSync(fresh)).toBe(false)
    }))
}

it('a backup of a newer hub is refused', () =>
  withBackup(async ({ backup, fresh }) => {
    const database = new Sqlite(join(backup, 'hub.db'))
    database.exec("INSERT INTO kysely_migration VALUES ('0999-from-the-future', '2040-01-01')")
    database.close()
    const described = await digestOfFile(join(backup, 'hub.db'))
    editManifest(backup, manifest => Object.assign(manifest, { files: [{ name: 'hub.db', ...described }] }))
    expect(await codeOf(restoreStore(backup, fresh))).toBe('STORE_NEWER')
  }))

it('a backup during many writes is one moment, never half a write', () =>
  withDirectory(async parent => {
    const directory = join(parent, 'store')
    const store = await open(directory)
    let round = 0
    let going = true
    const writing = (async () => {
      while (going) {
        round += 1
        const namespace = `round-${round}`
        await store.write(async rows => {
          for (const id of ['a', 'b', 'c']) {
            await rows.putApplication(sampleApplication({ id, name: id, namespace }))
            await Promise.resolve()
          }
        })
        await new Promise(resolve => setImmediate(resolve))
      }
    })()
    for (let number = 0; number < 5; number += 1) {
      const backup = join(parent, `backup-${number}`)
      await backupStore(directory, backup, options)
      await cp(backup, join(parent, `copy-${number}`), { recursive: true })
      await restoreStore(join(parent, `copy-${number}`), join(parent, `restored-${number}`))
      const restored = await open(join(parent, `restored-${number}`))
      const rows = await restored.read(reader => reader.applications())
      expect(new Set(rows.map(row => row.namespace)).size).toBeLessThanOrEqual(1)
      await restored.close()
    }
    going = false
    await writing
    await store.close()
  }))

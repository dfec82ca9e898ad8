import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { type RunningHub, startHub } from '@flotilla/hub/start-hub'
import { openSqliteStore } from '@flotilla/hub/store/sqlite-store'
import { silentLog } from '@flotilla/hub/store/test-store'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const clock = createClock(globalThis)
let folder: string
let data: string
let config: string
let hub: RunningHub

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-doctor-'))
  data = join(folder, 'data')
  config = join(folder, 'hub.yaml')
  const nowhere = `file://${join(folder, 'nowhere')}`
  await writeFile(
    config,
    `dataDirectory: ${data}\ntls: { mode: off }\nlisten: 127.0.0.1:0\nconfigSources:\n- { name: platform, repository: "${nowhere}", revision: main, path: fleet, trust: all }\n`,
  )
  hub = await startHub(
    {
      dataDirectory: data,
      listen: { host: '127.0.0.1', port: 0 },
      version: '0.1.0',
      configSources: [
        { name: 'platform', repository: nowhere, revision: 'main', path: 'fleet', trust: { kind: 'all' } },
      ],
    },
    { clock, random: seededRandom(3), log: silentLog },
  )
})
afterAll(async () => {
  await hub?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function findings(
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly all: readonly JsonObject[] }> {
  const env = { FLOTILLA_TOKEN: hub.adminToken }
  const { code, stdout, stderr } = await runInProcess(['doctor', ...words, '-o', 'json'], { cwd: folder, env })
  const answer = stdout === '' ? {} : parseJson(stdout)
  if (!isJsonObject(answer)) throw new Error(stderr)
  return { code, all: listAt(answer, 'findings').filter(isJsonObject) }
}
const of = (all: readonly JsonObject[], check: string): readonly string[] =>
  all
    .filter(each => textAt(each, 'check') === check)
    .map(each => `${textAt(each, 'status')}: ${textAt(each, 'message')}`)

describe('flotilla doctor', () => {
  test('looks at a hub’s machine while the hub runs, and changes nothing there', async () => {
    const { code, all } = await findings('--config', config)
    expect(of(all, 'settings')).toEqual(['ok: 1 config sources'])
    expect(of(all, 'folder')).toEqual(['ok: it can be read and written'])
    expect(of(all, 'key').every(line => line.startsWith('ok'))).toBe(true)
    expect(of(all, 'store')).toEqual([expect.stringMatching(/^ok: it is whole/)])
    expect(of(all, 'certificate')).toEqual([expect.stringMatching(/^skipped: TLS is off/)])
    expect(of(all, 'tool')[0]).toMatch(/^ok: version/)
    // The one config source leads nowhere: that is what has failed.
    expect(of(all, 'repository')).toEqual([expect.stringMatching(/^failed: /)])
    expect(code).toBe(1)
  })

  test('looks at a running hub: its version, clock, sources and repositories', async () => {
    const { code, all } = await findings('--hub', hub.url)
    expect(of(all, 'hub')).toEqual([expect.stringMatching(/it answers|its version is/)])
    expect(of(all, 'clock')).toEqual([expect.stringMatching(/^ok: it agrees/)])
    expect(of(all, 'recovery')).toEqual(['ok: the hub knows all that it has issued'])
    expect(of(all, 'agent')).toEqual(['ok: nothing is wrong with 0'])
    expect(of(all, 'ready').some(line => line.startsWith('failed: it has never been loaded'))).toBe(true)
    expect(code).toBe(1)
  })

  test('says what to look at when it is not said, and that a hub cannot be reached', async () => {
    expect((await runInProcess(['doctor'])).code).toBe(2)
    const away = await runInProcess(['doctor', '--hub', 'http://127.0.0.1:9'], { env: { FLOTILLA_TOKEN: 'x' } })
    expect(away.code).toBe(3)
  })

  const DAMAGES: {
    readonly [sentence: string]: readonly [(folder: string) => Promise<void>, check: string, says: RegExp]
  } = {
    'a store without its keys': [
      folder => rm(join(folder, 'hub.key')),
      'key',
      /^failed: there is a store and no hub.key/,
    ],
    'keys that others may read': [
      folder => chmod(join(folder, 'hub.key'), 0o644),
      'key',
      /^failed: others on this machine may read it/,
    ],
    'keys that are none': [folder => writeFile(join(folder, 'hub.key'), '{}'), 'key', /^failed: .*HUB_KEY_MALFORMED/],
    'a store that is no database': [
      folder => writeFile(join(folder, 'hub.db'), 'x'.repeat(8192)),
      'store',
      /^failed: /,
    ],
    'a restore that did not end': [
      async folder => void (await mkdir(join(folder, '.restore.ready'))),
      'store',
      /^failed: a restore did not end/,
    ],
    'a store that is behind': [
      async folder =>
        edit(
          folder,
          `INSERT OR REPLACE INTO settings VALUES ('recovery', '{"kind":"behind","since":1,"reason":"restored"}')`,
        ),
      'recovery',
      /^failed: STORE_BEHIND/,
    ],
    'a store of a newer hub': [
      async folder => edit(folder, `INSERT INTO kysely_migration VALUES ('0999-later', '2040')`),
      'store',
      /^failed: .*STORE_NEWER/,
    ],
    'a folder that others may look into': [folder => chmod(folder, 0o755), 'folder', /^warning: others/],
  }
  for (const [sentence, [damage, check, says]] of Object.entries(DAMAGES)) {
    test(`tells of ${sentence}`, async () => {
      const own = await mkdtemp(join(folder, 'own-'))
      const store = await openSqliteStore({ directory: own, clock, log: silentLog })
      await store.close()
      const { loadOrCreateHubKeys } = await import('@flotilla/hub/gateway/hub-keys')
      await loadOrCreateHubKeys(join(own, 'hub.key'), seededRandom(4), clock)
      expect((await findings('--data', own)).code).toBe(0)
      await damage(own)
      const { all, code } = await findings('--data', own)
      expect(
        of(all, check).some(line => says.test(line)),
        JSON.stringify(all, null, 1),
      ).toBe(true)
      expect(code).toBe(says.source.startsWith('^warning') ? 0 : 1)
    })
  }

  test('prints for people what to do', async () => {
    const own = await mkdtemp(join(folder, 'own-'))
    const { stdout, stderr, code } = await runInProcess(['doctor', '--data', join(own, 'none')])
    expect([code, stdout, stderr]).toEqual([
      1,
      expect.stringMatching(/^FAILED folder: .*: there is no such folder\n {2}hint: /),
      '1 failed, 0 warnings, 0 ok, 0 skipped\n',
    ])
  })
})

function edit(folder: string, sql: string): void {
  const database = new Sqlite(join(folder, 'hub.db'))
  database.exec(sql)
  database.close()
}

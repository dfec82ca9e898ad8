import { copyFile, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll, run } from './support/processes.ts'
import { SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const FLAGS = ['--tls-mode', 'off']

describe("a hub's store, by the command", () => {
  let folder: TemporaryFolder
  let fleet: SmallFleet
  let hub: HubUnderTest
  const at = (...parts: string[]) => join(folder.path, ...parts)
  const known = (which: HubUnderTest) =>
    until('both Applications are known', async () => (await which.applications()).length === 2)

  beforeAll(async () => {
    folder = await temporaryFolder()
    fleet = await SmallFleet.create(at('repo'), ['c1'], ['web', 'api'])
    hub = new HubUnderTest({ data: at('hub'), repository: fleet.directory, flags: FLAGS })
    await hub.start()
    await known(hub)
  })
  afterAll(async () => {
    await hub?.close()
    await endAll()
    await folder?.remove()
  })

  /** A data folder with the same store and keys, to be spoilt. */
  async function copyOfData(name: string): Promise<string> {
    await run(['hub', 'backup', at(`${name}-backup`), '--data', at('hub')])
    expect(await run(['hub', 'restore', at(`${name}-backup`), '--data', at(name)])).toMatchObject({ code: 0 })
    await copyFile(at('hub', 'hub.key'), at(name, 'hub.key'))
    return at(name)
  }

  async function failsToStart(data: string, ...flags: string[]): Promise<string> {
    const words = [
      'hub',
      '--data-directory',
      data,
      '--listen',
      '127.0.0.1:0',
      '--log-level',
      'error',
      ...FLAGS,
      ...flags,
    ]
    const { code, stdout, stderr } = await run(words)
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
    return stderr
  }

  test('a backup of a running hub is put in place elsewhere, and that hub goes on with it', async () => {
    const backup = await run(['hub', 'backup', at('backup'), '--data', at('hub'), '-o', 'json'])
    expect(backup.code, backup.stderr).toBe(0)
    expect(JSON.parse(backup.stdout)).toMatchObject({ kind: 'flotilla-hub-backup', counts: { applications: 2 } })
    expect(await run(['hub', 'backup', at('backup'), '--data', at('hub')])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: no backup was made: .*exists already/),
    })
    const restored = await run(['hub', 'restore', at('backup'), '--data', at('second')])
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining('2 applications') })
    expect(restored.stderr).toContain('hub.key is not in this backup')

    await copyFile(at('hub', 'hub.key'), at('second', 'hub.key'))
    const second = new HubUnderTest({ data: at('second'), repository: fleet.directory, flags: FLAGS })
    await second.start()
    // The administrator is the same; a restored hub shows no new token.
    expect(second.token).toBe('')
    const listed = await run(['app', 'list', '-o', 'name', '--hub', second.url], { env: { FLOTILLA_TOKEN: hub.token } })
    expect(listed).toEqual({ code: 0, stdout: 'api-c1\nweb-c1\n', stderr: '' })
    await second.close()
  })

  test('nothing is restored over a hub that runs, over a store without --force, or from a damaged backup', async () => {
    await run(['hub', 'backup', at('good'), '--data', at('hub')])
    const running = await run(['hub', 'restore', at('good'), '--data', at('hub'), '--force'])
    expect(running).toMatchObject({ code: 1, stderr: expect.stringContaining(`process ${hub.process.pid}`) })
    const data = await copyOfData('kept')
    expect(await run(['hub', 'restore', at('good'), '--data', data])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('use --force'),
    })
    expect(await run(['hub', 'restore', at('good'), '--data', data, '--force'])).toMatchObject({ code: 0 })
    await mkdir(at('bad'))
    await copyFile(at('good', 'manifest.json'), at('bad', 'manifest.json'))
    await writeFile(at('bad', 'hub.db'), (await readFile(at('good', 'hub.db'))).subarray(0, 9_000))
    expect(await run(['hub', 'restore', at('bad'), '--data', data, '--force'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nothing was restored: .*hub\.db is not the file that was backed up/),
    })
  })

  test('a damaged database, a newer one, one in use and a taken port are one sentence and the way out', async () => {
    const damaged = await copyOfData('damaged')
    const file = await open(join(damaged, 'hub.db'), 'r+')
    await file.write(Buffer.alloc(16_384, 0xa5), 0, 16_384, 8_192)
    await file.close()
    expect(await failsToStart(damaged)).toMatch(/^error: the hub cannot start: .*damaged.*"flotilla hub restore"/)

    const newer = await copyOfData('newer')
    const database = new Sqlite(join(newer, 'hub.db'))
    database.prepare('INSERT INTO kysely_migration (name, timestamp) VALUES (?, ?)').run('9999-later', '2030')
    database.close()
    expect(await failsToStart(newer)).toMatch(/newer hub wrote it .*"9999-later".*Nothing was changed/)

    expect(await failsToStart(at('hub'))).toMatch(new RegExp(`process ${hub.process.pid} .*\\n.*one data folder`))
    const port = new URL(hub.url).port
    expect(await failsToStart(at('fresh'), '--listen', `127.0.0.1:${port}`)).toMatch(/EADDRINUSE.*\n.*another --listen/)
    // The token of that first start was not used up by a start that came to nothing.
    const fresh = new HubUnderTest({ data: at('fresh'), repository: fleet.directory, flags: FLAGS })
    await fresh.start()
    expect(fresh.token).toMatch(/^flt_/)
    await fresh.close()
    await writeFile(at('fresh', 'hub.key'), '{}')
    expect(await failsToStart(at('fresh'))).toMatch(/hub\.key.*HUB_KEY_MALFORMED.*\n.*restore hub\.key/)
  })

  test('on a full disk it answers reads, says so, and goes on when there is space', async () => {
    const data = await copyOfData('full')
    const database = new Sqlite(join(data, 'hub.db'))
    database.exec('CREATE TABLE ballast (x BLOB) STRICT')
    database.prepare('INSERT INTO ballast VALUES (zeroblob(4000000))').run()
    const pages = database.pragma('page_count', { simple: true }) as number
    const bytes = pages * (database.pragma('page_size', { simple: true }) as number)
    const repository = await SmallFleet.create(at('full-repo'), ['c1'], ['web', 'api'])
    const flags = [...FLAGS, '--store-max-bytes', String(bytes + 128 * 1024)]
    const full = new HubUnderTest({ data, repository: repository.directory, flags })
    await full.start()
    const headers = { authorization: `Bearer ${hub.token}` }
    const ask = async (method: 'GET' | 'POST', path: string) => await full.transport.request({ method, path, headers })
    const ready = async () => {
      const { status, body } = await ask('GET', '/readyz')
      const answer = parseJson(Buffer.from(body).toString())
      return { status, checks: JSON.stringify(isJsonObject(answer) ? answer['checks'] : answer) }
    }
    const metric = async () =>
      /^flotilla_writes_refused\{what="store"\} (\d)$/m.exec(
        Buffer.from((await ask('GET', '/metrics')).body).toString(),
      )?.[1]
    expect(await metric()).toBe('0')
    const makeToken = async () => (await ask('POST', '/api/v1/clusters/c1/join-tokens')).status
    await until('there is no room any more', async () => (await makeToken()) === 503, { everyMs: 0 })
    expect((await ask('GET', '/api/v1/applications')).status).toBe(200)
    expect(await ready()).toMatchObject({ status: 200, checks: expect.stringMatching(/refused since .*STORE_FULL/) })
    expect(await metric()).toBe('1')
    const commit = await repository.say('web', 'c1', 'more')
    await full.push()

    database.exec('DROP TABLE ballast')
    database.close()
    await until(
      'the commit is rendered',
      async () => {
        const { body } = await ask('GET', '/api/v1/applications/web-c1')
        const view = parseJson(Buffer.from(body).toString())
        return isJsonObject(view) && view['revision'] === commit
      },
      { told: () => full.process.stderr() },
    )
    expect(await makeToken()).toBe(201)
    expect((await ready()).checks).not.toContain('STORE_FULL')
    expect(await metric()).toBe('0')
    await full.close()
  })
})

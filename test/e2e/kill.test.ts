import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@flotilla/core/ports/create-random'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCommand } from './support/bundled-command.ts'
import { Acknowledged, BusyAgent, keepOn, makeJoinToken, sendWebhook } from './support/busy-client.ts'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll } from './support/processes.ts'
import { SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

/** Two hubs, each killed so often, one beside the other: a start waits for the disk, and a machine has two cores. */
const LANES = ['git', 'javascript'] as const
/** Of each. `npm run test:kills` asks for five hundred in all. */
const KILLS = Math.ceil(Number(process.env['FLOTILLA_KILLS'] ?? 24) / LANES.length)
/** One reads its repository by the git program, the other by Git in JavaScript. */
const BACKEND = { git: 'git', javascript: 'none' } as const
const CLUSTERS = ['c1', 'c2'] as const
const APPS = ['web', 'api'] as const
/** How long a life may be: mostly after it listens, short ones more often, else from its first instruction on. */
const LIFE_MS = 600
const START_MS = 500
const CHECK_EVERY = 10

describe(`a hub that is killed ${LANES.length * KILLS} times during a busy push`, () => {
  let folder: TemporaryFolder
  let command: Awaited<ReturnType<typeof bundledCommand>>
  const seed = Number(process.env['FLOTILLA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

  beforeAll(async () => {
    console.log(`kill test: FLOTILLA_SEED=${seed}`)
    folder = await temporaryFolder()
    command = await bundledCommand()
  })
  afterAll(async () => {
    await endAll()
    command?.remove()
    await folder?.remove()
  })

  test.concurrent.each(LANES)(
    'keeps all that it acknowledged, whole, and no number goes back (%s)',
    async lane => {
      const random = seededRandom(seed + LANES.indexOf(lane))
      const fleet = await SmallFleet.create(join(folder.path, lane, 'repo'), CLUSTERS, APPS)
      const data = join(folder.path, lane, 'hub')
      const { program } = command
      const flags = ['--tls-mode', 'off', '--git-binary', BACKEND[lane]]
      const hub = new HubUnderTest({ data, repository: fleet.directory, flags, program })
      await hub.start()
      await until('the fleet is known', async () => (await hub.applications()).length === CLUSTERS.length * APPS.length)
      const known = new Acknowledged()
      const agents: { readonly name: string; readonly agent: BusyAgent }[] = []
      for (const name of CLUSTERS) agents.push({ name, agent: await BusyAgent.join(hub, name, known) })
      const applications = new Map<string, string[]>()
      for (const { cluster, id } of await hub.applications()) {
        applications.set(String(cluster), [...(applications.get(String(cluster)) ?? []), String(id)])
      }

      await until("the Applications are those clusters'", async () => {
        let ignored = 0
        for (const { name, agent } of agents) ignored += await agent.report(applications.get(name) ?? [])
        return ignored === 0
      })

      let over = false
      const busy = [
        ...CLUSTERS.map(name =>
          keepOn(
            () => makeJoinToken(hub, name, known),
            () => over,
          ),
        ),
        keepOn(
          () => sendWebhook(hub, known),
          () => over,
        ),
        ...agents.flatMap(({ name, agent }) => [
          keepOn(
            () => agent.report(applications.get(name) ?? []),
            () => over,
          ),
          keepOn(
            () => agent.ask(),
            () => over,
          ),
        ]),
      ]
      let lastCommit = ''
      const numbers = new Map<string, number>()
      try {
        for (let round = 1; round <= KILLS; round++) {
          const [documents, tokens] = [known.documents.size, known.joinTokens.length]
          lastCommit = await fleet.say(APPS[round % 2]!, CLUSTERS[round % 3 === 0 ? 0 : 1]!, `round ${round}`)
          if (round % CHECK_EVERY === 0) {
            // However slow the machine is, now and then a life is long enough for something to come of it.
            await hub.listens()
            await until('a document and a join token', () => {
              return known.documents.size > documents && known.joinTokens.length > tokens
            })
          } else if (random.fraction() < 0.7) {
            await hub.listens()
            await sleep(random.fraction() ** 2 * LIFE_MS)
          } else await sleep(random.fraction() * START_MS)
          await hub.kill()
          if (round % CHECK_EVERY === 0) checkStore(data, known, numbers)
          hub.spawn()
        }
        await hub.listens()
        await until('the last commit is in force', async () => {
          const [source] = (await hub.api.list('/api/v1/sources', {})).items
          return source?.['commit'] === lastCommit
        })
      } finally {
        over = true
        await Promise.all(busy)
        await hub.stop()
        await hub.close()
      }
      checkStore(data, known, numbers)
      console.log(
        `kill test, ${lane}: ${known.joinTokens.length} join tokens, ${known.reports.size} lines of reports up to ` +
          `n=${Math.max(...known.reports.values())}, ${known.documents.size} documents, ${known.webhooks} webhooks`,
      )
      expect(known.joinTokens.length).toBeGreaterThanOrEqual(KILLS / CHECK_EVERY)
      expect(known.reports.size).toBe(CLUSTERS.length * APPS.length)
      expect(known.documents.size).toBeGreaterThanOrEqual(KILLS / CHECK_EVERY)
    },
    7_200_000,
  )
})

/** Looks into the file itself, while no hub runs. */
function checkStore(data: string, known: Acknowledged, numbers: Map<string, number>): void {
  const database = new Sqlite(join(data, 'hub.db'))
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(database.pragma('foreign_key_check')).toEqual([])
    const stored = new Set(database.prepare('SELECT id FROM join_tokens').pluck().all())
    expect(known.joinTokens.filter(id => !stored.has(id))).toEqual([])
    for (const [application, n] of known.reports) {
      const body = database.prepare('SELECT body FROM reports WHERE application_id = ?').pluck().get(application)
      expect(JSON.parse(String(body)).entry.n, `report of ${application}`).toBeGreaterThanOrEqual(n)
    }
    const clusters = database.prepare('SELECT id, epoch, last_number AS n FROM clusters').all() as Row[]
    for (const { id, n } of clusters) {
      expect(n, `numbers of cluster ${id}`).toBeGreaterThanOrEqual(numbers.get(id) ?? 0)
      expect(n, `what cluster ${id} was told`).toBeGreaterThanOrEqual(known.told.get(id) ?? 0)
      numbers.set(id, n)
    }
    const above = database
      .prepare('SELECT d.key FROM documents d JOIN clusters c ON c.id = d.cluster_id WHERE d.n > c.last_number')
      .all()
    expect(above).toEqual([])
    expect(known.violations).toEqual([])
  } finally {
    database.close()
  }
}

interface Row {
  readonly id: string
  readonly n: number
}

import { CONFIG } from '@flotilla/hub/loop/testing/loop-harness'
import { expect } from 'vitest'
import { requirements } from './requirement.ts'
import { WholeFleet } from './whole-fleet.ts'

const HOUR_MS = 3_600_000
/** Hours in which nothing more is tried, of how many. */
const QUIET_ROUNDS = 3
const MOST_ROUNDS = 20
/** An API server takes no such key. */
const BAD = { 'not a key': '1' }

requirements('hub and agent together', requirement => {
  requirement(
    34,
    'a revision that stays failed is tried a few times and no more, whatever else is committed, until its own files change',
    async bench => {
      await WholeFleet.during(bench, { web: BAD, api: { n: '0' } }, async fleet => {
        await fleet.synced('api', { n: '0' })
        const attempts: number[] = []
        const enough = () => attempts.length > QUIET_ROUNDS && attempts.at(-1) === attempts.at(-1 - QUIET_ROUNDS)
        for (let round = 1; round <= MOST_ROUNDS && !enough(); round++) {
          await fleet.until('web has failed', async () => (await fleet.report('web'))?.operation?.message !== undefined)
          bench.clock.skip(HOUR_MS)
          // Commits that do not touch what it reads; that they have reached the cluster says that all have looked.
          fleet.declare({ api: { n: String(round) } })
          fleet.commit(CONFIG, [['README.md', `round ${round}`]])
          await fleet.synced('api', { n: String(round) })
          attempts.push(await fleet.attempts('web'))
        }
        expect(enough(), attempts.join(', ')).toBe(true)
        // The first and five more; fewer where so many hours at once have let a permission lapse.
        expect(attempts.at(-1)).toBeGreaterThan(2)
        expect(attempts.at(-1)).toBeLessThanOrEqual(6)
        fleet.declare({ web: { key: '1' } })
        await fleet.synced('web', { key: '1' })
      })
    },
  )

  requirement(36, 'a rollback holds what it put back, whatever is committed, until it is let go', async bench => {
    await WholeFleet.during(bench, { web: { version: 'one' } }, async fleet => {
      await fleet.synced('web', { version: 'one' })
      fleet.declare({ web: { version: 'two' } })
      await fleet.synced('web', { version: 'two' })
      const wish = { by: 'ana', reason: 'two does not start', target: { kind: 'previous' }, prune: false } as const
      expect(await fleet.pins.rollback('web', wish)).toMatchObject({ kind: 'accepted' })
      await fleet.synced('web', { version: 'one' })
      fleet.declare({ web: { version: 'three' }, api: { n: '1' } })
      await fleet.synced('api', { n: '1' })
      const edited = [{ op: 'replace', path: '/data/version', value: 'edited' }]
      await bench.client.patchJson(bench.key('ConfigMap', 'web'), 'v1', edited)
      await fleet.synced('web', { version: 'one' })
      expect(await fleet.pins.unpin('web', { by: 'ana', reason: 'three will' })).toMatchObject({ kind: 'done' })
      await fleet.synced('web', { version: 'three' })
    })
  })

  requirement(
    37,
    'an Application that is removed while its cluster is away stays to be seen until it is gone',
    async bench => {
      await WholeFleet.during(bench, { web: { n: '1' }, api: { n: '1' } }, async fleet => {
        for (const name of ['web', 'api']) await fleet.synced(name, { n: '1' })
        await fleet.stopAgent()
        fleet.declare({ web: null })
        await fleet.until('it is withdrawn', async () => (await fleet.application('web'))?.state === 'withdrawn')
        bench.clock.skip(48 * HOUR_MS)
        fleet.commit(CONFIG, [['README.md', 'two days later']])
        expect(await fleet.application('web')).toMatchObject({ state: 'withdrawn' })
        expect(await bench.read('ConfigMap', 'web')).toBeDefined()
        await fleet.startAgent()
        await fleet.until('it is gone', async () => (await fleet.application('web')) === undefined)
        expect(await bench.read('ConfigMap', 'web')).toBeUndefined()
        expect(await bench.read('ConfigMap', 'api')).toBeDefined()
      })
    },
  )
})

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { textAt, valueAt } from '@flotilla/core/json/read-json'
import { dump } from 'js-yaml'
import { afterEach, describe, expect, test } from 'vitest'
import { endAll } from '../e2e/support/processes.ts'
import { configMap, deployment } from '../e2e/support/small-fleet.ts'
import { until } from '../e2e/support/until.ts'
import { RecoveryFleet } from './support/recovery-fleet.ts'

/** What can befall a hub's memory, with processes and sockets: protocol.md 5.7, and the last rows of its section 10. */

let world: RecoveryFleet | undefined

afterEach(async () => {
  await world?.close()
  world = undefined
  await endAll()
})

describe('a hub that is restored from an older backup', () => {
  test('says STORE_BEHIND, and after hub recover nothing is pruned and nothing applied again; twice', async () => {
    world = await RecoveryFleet.settled(['eu-1', 'eu-2'], ['web', 'api'])
    const { hub, fleet } = world
    const backup = join(world.folder.path, 'backup')
    await world.flotilla(['hub', 'backup', backup, '--data', world.data])
    // After the backup: another content, and an Application that the backup has never heard of.
    await fleet.say('web', 'eu-1', 'two')
    const files = `${dump(configMap('young', 'one'))}---\n${dump(deployment('young'))}`
    await fleet.commit({ 'apps/young/eu-2/app.yaml': files })
    await hub.push()
    await until('the new value is in eu-1', () => world!.valueIn('eu-1', 'web') === 'two')
    await hub.settled(5)
    const ids = await world.ids()
    world.forgetWrites()

    for (const round of ['first', 'second']) {
      await hub.stop()
      await world.flotilla(['hub', 'restore', backup, '--data', world.data, '--force'])
      await hub.start()
      expect(await world.reason(), round).toBe('behind restored')
      await world.connected()
      // Nothing is issued: what is committed now waits.
      await fleet.say('api', 'eu-1', `${round} waits`)
      await hub.push()
      await until('the wait is shown', async () => {
        const rows = await hub.applications()
        return rows.some(
          row => textAt(row, 'name') === 'api-eu-1' && textAt(valueAt(row, 'hold'), 'code') === 'STORE_BEHIND',
        )
      })
      const shown = await world.flotilla(['hub', 'recover', '--show'], 1)
      expect(shown.stdout).toContain('state: behind (restored)')
      await until('an agent has proved it', async () => valueAt(await world!.recovery(), 'evidence') !== null)
      const readyz = await hub.transport.request({ method: 'GET', path: '/readyz', headers: {} })
      expect(Buffer.from(readyz.body).toString()).toContain('STORE_BEHIND')
      expect(world.writes(), round).toEqual([])

      const recovered = await world.flotilla(['hub', 'recover'])
      expect(recovered.stdout).toMatch(/^recovered: epoch \d{10,}/)
      await world.caughtUp()
      expect(await world.ids(), round).toEqual(ids)
      await until('the sync waits for a person', async () => {
        const rows = await hub.applications()
        return rows.some(row => textAt(valueAt(row, 'hold'), 'code') === 'RECOVERY_UNACKNOWLEDGED')
      })
      expect(world.writes(), round).toEqual([])
      const digest = textAt(valueAt(await world.recovery(), 'list'), 'digest')
      await world.flotilla(['hub', 'recover', '--acknowledge', digest])
      await until('what waited is applied', () => world!.valueIn('eu-1', 'api') === `${round} waits`)
      await world.allDone(5)
      expect(world.writes(), round).toEqual(['eu-1: patch /api/v1/namespaces/shop/configmaps/api'])
      expect(await world.reason()).toBe('settled')
      world.forgetWrites()
    }
  })
})

describe('a hub that lost its store', () => {
  test('with hub.key: agents return by approval, ids are taken over, nothing is pruned or applied again', async () => {
    world = await RecoveryFleet.settled(['eu-1', 'eu-2'], ['web', 'api'])
    const { hub } = world
    const ids = await world.ids()
    await hub.kill()
    await loseEverythingBut(world.data, ['hub.key'])
    world.forgetWrites()
    await hub.start()
    expect(await world.reason()).toBe('behind empty')
    // Who comes back waits for a person: the store has forgotten as well who was revoked.
    const waiting = await until(
      'both agents ask to come back',
      async () => {
        const { items } = await hub.api.list('/api/v1/enrolments', {})
        return items.length === 2 && items
      },
      { withinMs: 120_000, told: () => hub.process.stderr().slice(-4000) },
    )
    expect(waiting.map(row => textAt(row, 'kind'))).toEqual(['return', 'return'])
    await world.flotilla(['hub', 'recover'])
    expect(world.writes()).toEqual([])
    for (const name of ['eu-1', 'eu-2']) await hub.api.post(`/api/v1/clusters/${name}/approve`, {})
    await world.connected(120_000)
    await world.caughtUp()
    expect(await world.ids()).toEqual(ids)
    await world.flotilla(['hub', 'recover', '--acknowledge'])
    await world.allDone(4)
    expect(world.writes()).toEqual([])
    // And it is the same hub as before: what is committed goes its way.
    await world.fleet.say('web', 'eu-1', 'two')
    await hub.push()
    await until('the new value is in eu-1', () => world!.valueIn('eu-1', 'web') === 'two')
    await world.allDone(4)
    expect(world.writes()).toEqual(['eu-1: patch /api/v1/namespaces/shop/configmaps/web'])
  })
})

describe('a hub that lost its store and its keys', () => {
  test('agents enrol again with new tokens and keep everything; nothing is restarted or deleted', async () => {
    world = await RecoveryFleet.settled(['eu-1', 'eu-2'], ['web', 'api'])
    const { hub } = world
    const before = world.specs()
    await hub.kill()
    for (const agent of world.agents.values()) await agent.end()
    await rm(world.data, { recursive: true })
    world.forgetWrites()
    await hub.start()
    expect(await world.reason()).toBe('settled')
    await until('the Clusters are known', async () => (await hub.clusters()).length === 2)
    for (const name of ['eu-1', 'eu-2']) world.startAgent(name, ['--join-token', await world.joinToken(name)])
    await world.connected()
    await world.allDone(4)
    // Marks are written anew, under the new hub's ids; nothing else.
    expect(world.writes().filter(write => !write.includes(': patch '))).toEqual([])
    expect(world.specs()).toEqual(before)
    await world.fleet.say('web', 'eu-1', 'two')
    await hub.push()
    await until('the new value is in eu-1', () => world!.valueIn('eu-1', 'web') === 'two')
    await world.allDone(4)
  })
})

async function loseEverythingBut(folder: string, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(folder))
    if (!kept.some(each => name.startsWith(each))) await rm(join(folder, name), { recursive: true })
}

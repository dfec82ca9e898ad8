import { expect, test } from 'vitest'
import { APPS, type DeclaredFolder } from './declared-fleet.ts'
import { SimulatedFleet } from './fleet.ts'

const folder = (name: string): DeclaredFolder => ({ kind: 'folder', name, cluster: 'eu-1', version: 1, parts: ['a'] })

async function running(): Promise<SimulatedFleet> {
  const fleet = await SimulatedFleet.start({ seed: 7, clusters: ['eu-1'] })
  await fleet.run(60_000)
  return fleet
}

const names = (fleet: SimulatedFleet) =>
  fleet.store.read(async rows => (await rows.applications()).map(({ name }) => name).sort())
const expandedAt = (fleet: SimulatedFleet) =>
  fleet.store.read(async rows => Object.fromEntries((await rows.sets()).map(row => [row.name, row.expandedAt])))

test('a push is seen at once with a webhook, and at the next poll without', async () => {
  const fleet = await running()
  fleet.declare(fleet.declared.put(folder('told')), true)
  await fleet.run(1_000)
  expect(await names(fleet)).toEqual(['told-eu-1'])
  fleet.declare(fleet.declared.put(folder('untold')))
  await fleet.run(1_000)
  expect(await names(fleet)).toEqual(['told-eu-1'])
  await fleet.run(120_000)
  expect(await names(fleet)).toEqual(['told-eu-1', 'untold-eu-1'])
  await fleet.stop()
})

test('a push makes again only sets that read what changed, and the same webhook twice none', async () => {
  const fleet = await running()
  const before = await expandedAt(fleet)
  fleet.commit(APPS, { 'docs/README.md': 'nobody reads this' }, true)
  await fleet.run(1_000)
  expect(await expandedAt(fleet)).toEqual(before)
  fleet.declare(fleet.declared.put(folder('web')), true)
  await fleet.run(1_000)
  const after = await expandedAt(fleet)
  const changed = Object.keys(after).filter(name => after[name] !== before[name])
  expect(changed).toHaveLength(1)
  fleet.hub?.heard([
    {
      kind: 'push',
      host: 'github',
      repository: { urls: [APPS], hostName: 'git.example.com', namespace: '', name: 'apps' },
      ref: 'refs/heads/main',
    },
  ])
  await fleet.run(1_000)
  expect(await expandedAt(fleet)).toEqual(after)
  await fleet.stop()
})

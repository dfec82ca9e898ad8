import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}

/** A fleet, and one ten times as large: ten thousand by night. */
const LARGE = Number(process.env['FLOTILLA_APPLICATIONS'] ?? 2_000)
const SMALL = LARGE / 10

async function started(apps: { readonly [path: string]: string }) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, FLEET)
  hub.git.commit(APPS, apps)
  await hub.start()
  await hub.refresh(APPS)
  return hub
}

describe('cost follows the change', () => {
  async function cost(applications: number) {
    const names = Array.from({ length: applications }, (_, index) => `app-${String(index).padStart(5, '0')}`)
    const hub = await started(Object.fromEntries(names.map(name => [`apps/${name}/cm.json`, configMap(name, {})])))
    await hub.join('eu-1')
    expect(hub.names()).toHaveLength(applications)
    const read = hub.mirrors.counters
    const before = {
      ...read,
      rows: hub.store.counters.rowsWritten,
      renders: hub.renders,
      signatures: hub.signatures,
      told: hub.told.length,
    }
    await hub.push(APPS, { [`apps/${names[7]}/cm.json`]: configMap(names[7]!, { changed: 'yes' }) })
    const after = hub.mirrors.counters
    return {
      trees: after.treesRead - before.treesRead,
      blobs: after.blobsRead - before.blobsRead,
      commits: after.commitsRead - before.commitsRead,
      fetches: after.fetches - before.fetches,
      rows: hub.store.counters.rowsWritten - before.rows,
      renders: hub.renders - before.renders,
      signatures: hub.signatures - before.signatures,
      frames: hub.told.length - before.told,
    }
  }

  it(`a one-folder commit reads, renders, writes and signs the same at ${SMALL} and at ${LARGE} Applications`, async () => {
    const small = await cost(SMALL)
    expect(small).toMatchObject({ fetches: 1, renders: 1, blobs: 1, signatures: 2, frames: 1 })
    expect(await cost(LARGE)).toEqual(small)
  })
})

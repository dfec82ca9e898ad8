import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApplicationRow, Store } from '@flotilla/core/ports/store'
import { encodeRow } from '@flotilla/hub/store/encode-row'
import { loadSqlite } from '@flotilla/hub/store/load-sqlite'
import { sampleApplication, sampleCluster } from '@flotilla/hub/store/sample-rows'
import { openSqliteStore } from '@flotilla/hub/store/sqlite-store'
import { silentLog, stillClock } from '@flotilla/hub/store/test-store'
import type { Benchmark } from './figure.ts'

const ROWS = 10_000
const BATCH = 500
const DURABLE_WRITES = 500
const POINT_READS = 10_000

/** The store beside better-sqlite3 alone: same machine, same file system, same settings, same bytes. */
export const run: Benchmark = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-store-'))
  try {
    const store = await openSqliteStore({ directory: join(directory, 'store'), clock: stillClock(), log: silentLog })
    try {
      const ours = await measureStore(store)
      const raw = await measureRaw(join(directory, 'raw.db'))
      return Object.entries(ours).map(([figure, value]) => ({
        figure,
        unit: figure.endsWith('listed') ? 'ms' : '/s',
        value: Math.round(value * 10) / 10,
        ...(raw[figure] !== undefined && { baseline: Math.round(raw[figure] * 10) / 10 }),
        baselineOf: 'better-sqlite3 alone',
      }))
    } finally {
      await store.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function row(index: number, namespace: string): ApplicationRow {
  return sampleApplication({
    id: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    name: `shop-${index}`,
    clusterId: `cluster-${index % 100}`,
    set: 'shop',
    namespace,
    labels: { env: 'prod', region: 'eu', tier: 'gold' },
    document: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: `shop-${index}` },
      spec: { project: 'shop', source: { repoURL: 'https://git.example.com/shop.git', path: `apps/${index}` } },
    },
  })
}

async function measureStore(store: Store): Promise<Record<string, number>> {
  const putAll = async (namespace: string): Promise<void> => {
    for (let start = 0; start < ROWS; start += BATCH) {
      await store.write(async rows => {
        for (let index = start; index < start + BATCH; index += 1) await rows.putApplication(row(index, namespace))
      })
    }
  }
  await store.write(rows => rows.putCluster(sampleCluster()))
  const inserted = await perSecond(ROWS, () => putAll('first'))
  const changed = await perSecond(ROWS, () => putAll('second'))
  const unchanged = await perSecond(ROWS, () => putAll('second'))
  const durable = await perSecond(DURABLE_WRITES, async () => {
    for (let index = 0; index < DURABLE_WRITES; index += 1) {
      await store.write(rows => rows.putApplication(row(index, `durable-${index}`)))
    }
  })
  const read = await perSecond(POINT_READS, () =>
    store.read(async rows => {
      for (let index = 0; index < POINT_READS; index += 1) await rows.application(row(index % ROWS, '').id)
    }),
  )
  const listing = 1000 / (await perSecond(1, () => store.read(rows => rows.applications())))
  return {
    'rows inserted, 500 a write': inserted,
    'rows changed, 500 a write': changed,
    'rows unchanged, 500 a write': unchanged,
    'durable writes of one row': durable,
    'point reads': read,
    '10,000 Applications listed': listing,
  }
}

async function measureRaw(file: string): Promise<Record<string, number>> {
  const sqlite = await loadSqlite()
  const database = new sqlite(file)
  try {
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.exec(
      'CREATE TABLE applications (id TEXT PRIMARY KEY, name TEXT, cluster_id TEXT, set_name TEXT, source TEXT, body TEXT) STRICT;' +
        'CREATE INDEX by_name ON applications (name); CREATE INDEX by_cluster ON applications (cluster_id);' +
        'CREATE INDEX by_set ON applications (set_name); CREATE INDEX by_source ON applications (source)',
    )
    const upsert = database.prepare(
      'INSERT INTO applications VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,' +
        ' cluster_id = excluded.cluster_id, set_name = excluded.set_name, source = excluded.source,' +
        ' body = excluded.body WHERE applications.body <> excluded.body',
    )
    const put = (index: number, namespace: string): void => {
      const value = row(index, namespace)
      upsert.run(value.id, value.name, value.clusterId, value.set, value.source, encodeRow(value))
    }
    const batch = database.transaction((start: number, namespace: string) => {
      for (let index = start; index < start + BATCH; index += 1) put(index, namespace)
    })
    const putAll = async (namespace: string): Promise<void> => {
      for (let start = 0; start < ROWS; start += BATCH) batch(start, namespace)
    }
    const inserted = await perSecond(ROWS, () => putAll('first'))
    const changed = await perSecond(ROWS, () => putAll('second'))
    const unchanged = await perSecond(ROWS, () => putAll('second'))
    const durable = await perSecond(DURABLE_WRITES, async () => {
      for (let index = 0; index < DURABLE_WRITES; index += 1) put(index, `durable-${index}`)
    })
    const get = database.prepare('SELECT body FROM applications WHERE id = ?').pluck()
    const read = await perSecond(POINT_READS, async () => {
      for (let index = 0; index < POINT_READS; index += 1) JSON.parse(get.get(row(index % ROWS, '').id) as string)
    })
    const all = database.prepare('SELECT body FROM applications').pluck()
    const listing = 1000 / (await perSecond(1, async () => all.all().map(body => JSON.parse(body as string))))
    return {
      'rows inserted, 500 a write': inserted,
      'rows changed, 500 a write': changed,
      'rows unchanged, 500 a write': unchanged,
      'durable writes of one row': durable,
      'point reads': read,
      '10,000 Applications listed': listing,
    }
  } finally {
    database.close()
  }
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (count * 1000) / (performance.now() - start)
}

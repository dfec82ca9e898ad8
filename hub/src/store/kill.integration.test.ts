import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROWS_A_WRITE } from './kill-writer.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { silentLog, stillClock, withDirectory } from './test-store.ts'

const KILLS = 100
/** Every other writer dies after a time, mostly while it opens the store; the others after so many acknowledgements. */
const LONGEST_LIFE_MS = 40
const MOST_ACKNOWLEDGED = 12

/** Mulberry32: the same seed gives the same instants to kill at. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Writer {
  readonly process: ChildProcess
  /** Resolves when it has said that many lines; the first one is `ready`. */
  hasSaid(lines: number): Promise<void>
  /** Everything it said so far. */
  said(): string
}

/** The writer as one file, beside the packages that it needs: so it starts in a fifth of the time. */
const BUNDLE = fileURLToPath(new URL(`../../dist/kill-writer-${process.pid}.mjs`, import.meta.url))

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('kill-writer.ts', import.meta.url))],
    outfile: BUNDLE,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['better-sqlite3'],
    logLevel: 'error',
  })
})
afterAll(() => rmSync(BUNDLE, { force: true }))

function startWriter(): Writer {
  const child = spawn(process.execPath, [BUNDLE], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  const lines = (): number => text.split('\n').length - 1
  const told = new EventEmitter()
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    told.emit('more')
  })
  child.once('close', () => told.emit('more'))
  const hasSaid = async (count: number): Promise<void> => {
    while (lines() < count) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the writer ended by itself: ${text}`)
      await once(told, 'more')
    }
  }
  return { process: child, hasSaid, said: () => text.slice('ready\n'.length) }
}

async function kill(writer: Writer): Promise<number[]> {
  const closed = once(writer.process, 'close')
  writer.process.kill('SIGKILL')
  await closed
  // A last line without its end was not acknowledged.
  return writer.said().split('\n').slice(0, -1).map(Number)
}

it(`a hub killed ${KILLS} times keeps all that it acknowledged, whole, and its numbers never go back`, async () => {
  const seed = Number(process.env['FLOTILLA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`kill test: FLOTILLA_SEED=${seed}`)
  const random = randomFrom(seed)
  await withDirectory(async directory => {
    const acknowledged: number[] = []
    // Starting a process takes longer than its life here: two are made ready ahead.
    const waiting = [startWriter(), startWriter()]
    let highest = 0
    try {
      for (let round = 0; round < KILLS; round += 1) {
        const writer = waiting.shift()!
        waiting.push(startWriter())
        await writer.hasSaid(1)
        writer.process.stdin!.write(`${directory}\n`)
        const share = random()
        if (round % 2 === 0) await writer.hasSaid(1 + Math.ceil(share * MOST_ACKNOWLEDGED))
        await new Promise(resolve => setTimeout(resolve, random() * (round % 2 === 0 ? 5 : LONGEST_LIFE_MS)))
        const said = await kill(writer)
        for (const number of said) {
          expect(number, `round ${round}: a number was given twice or went back`).toBeGreaterThan(highest)
          highest = number
        }
        acknowledged.push(...said)
        if (round % 20 === 19) await check(directory, acknowledged)
      }
    } finally {
      for (const writer of waiting) await kill(writer)
    }
    await check(directory, acknowledged)
    console.log(`kill test: ${acknowledged.length} writes acknowledged`)
    expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS / 2)
  })
}, 1_200_000)

/** Opening checks integrity; then every acknowledged write is looked up whole. */
async function check(directory: string, acknowledged: readonly number[]): Promise<void> {
  const store = await openSqliteStore({ directory, clock: stillClock(), log: silentLog })
  try {
    await store.read(async rows => {
      const documents = await rows.documents('cluster-1')
      const stored = new Set(documents.map(row => row.number.n))
      expect(acknowledged.filter(number => !stored.has(number))).toEqual([])
      expect(stored.size).toBe(documents.length)
      const counts = new Map<string, number>()
      for (const row of await rows.applications()) counts.set(row.name, (counts.get(row.name) ?? 0) + 1)
      expect(documents.filter(row => counts.get(row.meaning) !== ROWS_A_WRITE)).toEqual([])
      expect(counts.size).toBe(documents.length)
      expect((await rows.cluster('cluster-1'))?.lastNumber ?? 0).toBe(Math.max(0, ...stored))
    })
  } finally {
    await store.close()
  }
  const database = new Sqlite(`${directory}/hub.db`, { readonly: true })
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  database.close()
}

it('while another process has the folder it is named, and its death gives the folder back', async () => {
  await withDirectory(async directory => {
    const writer = startWriter()
    writer.process.stdin!.write(`${directory}\n`)
    await writer.hasSaid(2)
    const refused = openSqliteStore({ directory, clock: stillClock(), log: silentLog })
    await expect(refused).rejects.toThrow(`process ${writer.process.pid} (STORE_LOCKED)`)
    await kill(writer)
    await (await openSqliteStore({ directory, clock: stillClock(), log: silentLog })).close()
  })
})

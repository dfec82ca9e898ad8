import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Store } from '@flotilla/core/ports/store'
import { openSqliteStore } from './sqlite-store.ts'

/** A clock that stands still, for what only writes down the time. */
export function stillClock(at = Date.UTC(2030, 0, 1)): Clock {
  const never = (): never => {
    throw new Error('nothing here may wait')
  }
  return { now: () => at, monotonicMs: () => at, setTimer: never, sleep: never }
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
}

/** Runs `work` with an own folder that is gone afterwards. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-store-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A durable store in an own folder, gone once the store is closed. */
export async function openTestStore(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-store-'))
  const store = await openSqliteStore({ directory, clock: stillClock(), log: silentLog })
  const { close } = store
  return Object.assign(store, {
    close: async () => {
      await close.call(store)
      await rm(directory, { recursive: true, force: true })
    },
  })
}

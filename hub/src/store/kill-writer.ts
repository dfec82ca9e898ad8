import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { sampleApplication, sampleCluster, sampleDocument } from './sample-rows.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { silentLog, stillClock } from './test-store.ts'

/** How many rows one write of {@link writeForever} makes besides its document: a write is whole or not there. */
export const ROWS_A_WRITE = 5

/**
 * The process that the kill test kills: waits for a line naming a data folder, opens the store there and writes until
 * it dies. A line `n` on stdout acknowledges that document number n is durable.
 */
async function writeForever(directory: string): Promise<void> {
  const store = await openSqliteStore({ directory, clock: stillClock(), log: silentLog })
  await store.write(rows => rows.putCluster(sampleCluster()))
  const writeOne = async (): Promise<void> => {
    const number = await store.write(async rows => {
      const taken = await rows.nextNumber('cluster-1')
      const name = `write-${taken.epoch}-${taken.n}`
      await rows.putDocument(sampleDocument({ key: `application/${name}`, number: taken, meaning: name }))
      for (let index = 0; index < ROWS_A_WRITE; index += 1) {
        await rows.putApplication(sampleApplication({ id: `${name}-${index}`, name, set: name }))
      }
      return taken
    })
    // Synchronous: what was acknowledged is out before anything else happens.
    writeSync(1, `${number.n}\n`)
  }
  for (;;) await Promise.all([writeOne(), writeOne(), writeOne()])
}

if (import.meta.main) {
  writeSync(1, 'ready\n')
  for await (const directory of createInterface({ input: process.stdin })) await writeForever(directory)
}

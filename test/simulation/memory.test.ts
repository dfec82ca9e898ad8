import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { SimulatedFleet } from './fleet.ts'

const MINUTE_MS = 60_000

/** A life with processes that stand still where they were killed, in the middle of requests, watches and waits. */
async function life(): Promise<WeakRef<SimulatedFleet>> {
  const fleet = await SimulatedFleet.start({ seed: 5, clusters: ['eu'] })
  fleet.declare(fleet.declared.put({ kind: 'folder', name: 'shop', cluster: 'eu', version: 1, parts: ['blue'] }), true)
  await fleet.run(MINUTE_MS)
  for (const name of ['eu', 'hub']) fleet.down(name, true, 1_000)
  await fleet.run(MINUTE_MS)
  await fleet.stop()
  return new WeakRef(fleet)
}

test('nothing of a life is kept when it is over, whatever was killed in it: a process lives thousands', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const over = await life()
  for (let round = 0; round < 20 && over.deref(); round++) {
    await new Promise(resolve => setImmediate(resolve))
    collect()
  }
  expect(over.deref()).toBeUndefined()
})

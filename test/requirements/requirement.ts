import { controlPlaneAvailability } from '@flotilla/controlplane'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Bench, nextNumber } from './bench.ts'
import type { Side } from './sides.ts'

const availability = await controlPlaneAvailability()

type Run = (bench: Bench) => Promise<void>

/**
 * Says what the agent does, on whichever cluster; `number` is that of the list in README.md, a text a section of
 * docs/sync-engine.md that no number of the list covers.
 */
export type Requirement = (number: number | string, sentence: string, run: Run) => void

/**
 * Declares requirements twice: on the simulated cluster and on the real control plane, from one text. A cluster serves
 * all requirements of a file; each has an agent, a hub and namespaces of its own.
 */
export function requirements(topic: string, declare: (requirement: Requirement) => void): void {
  const sides = [
    { name: 'simulated', run: true, start: async () => (await import('./sides.ts')).startSimulatedSide() },
    {
      name: 'real',
      run: availability.kind !== 'unavailable',
      start: async () => (await import('./sides.ts')).startRealSide(),
    },
  ] as const
  for (const { name, run, start } of sides) {
    // They wait for agents and Pods far more than they compute, and nothing of one is another's.
    describe.skipIf(!run).concurrent(`${topic} on the ${name} cluster`, () => {
      let side: Side
      beforeAll(async () => {
        side = await start()
      })
      afterAll(async () => side?.stop())
      declare((number, sentence, test) => {
        const about =
          typeof number === 'string' ? `section ${number}` : `requirement ${String(number).padStart(2, '0')}`
        it(`${about}: ${sentence}`, async () => {
          const bench = new Bench(side.transport, nextNumber())
          try {
            await test(bench)
          } finally {
            await bench.stop()
          }
        })
      })
    })
  }
}

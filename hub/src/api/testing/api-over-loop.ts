import type { Express } from 'express'
import type { LoopHarness } from '../../loop/testing/loop-harness.ts'
import { createMetrics } from '../../metrics.ts'
import { OperationDesk } from '../../operations/operation-desk.ts'
import { PauseDesk } from '../../operations/pause-desk.ts'
import { PinDesk } from '../../operations/pin-desk.ts'
import { silentLog } from '../../store/test-store.ts'
import { createApi } from '../create-api.ts'
import { FleetView } from '../fleet-view.ts'
import { makeToken } from '../tokens.ts'

export interface ServedLoop {
  readonly hub: LoopHarness
  readonly app: Express
  readonly admin: string
  readonly reader: string
}

/** The API over a hub's loop as it is now, with a token of each role. */
export async function apiOver(hub: LoopHarness): Promise<ServedLoop> {
  const made = (['admin', 'readonly'] as const).map(role =>
    makeToken(hub.random, { name: role === 'admin' ? 'admin' : 'reader', role, now: hub.clock.now() }),
  )
  await hub.store.write(async rows => {
    for (const { row } of made) await rows.putToken(row)
  })
  const [admin, reader] = made.map(({ text }) => text) as [string, string]
  const view = await FleetView.load(hub.store, { run: 'run', now: hub.clock.now(), hiddenDigest: () => 'hidden' })
  const unused = () => Promise.reject(new Error('not asked for here'))
  const { store, clock, random } = hub
  const desk = new OperationDesk({
    ...{ store, keys: hub.keys, clock, random },
    ...{ told: () => undefined, changed: () => undefined },
  })
  const app = createApi({
    ...{ store: hub.store, view, bundles: hub.bundles, clock: hub.clock, random: hub.random, log: silentLog },
    desk,
    pins: new PinDesk({ store, clock, random, desk, interventions: hub.loop.interventions }),
    pauses: new PauseDesk({ store, keys: hub.keys, clock, random, interventions: hub.loop.interventions }),
    metrics: createMetrics({ process: false }),
    settings: { version: '0.1.0' },
    actions: {
      ...{ refreshSource: unused, refreshRepository: unused, heard: unused, refreshPlugin: unused },
      ...{ previewChange: unused, createJoinToken: unused },
      waitingAdoptions: () => hub.loop.waitingAdoptions(),
      decideAdoption: (id, decision) => hub.loop.decideAdoption(id, decision),
      releaseCluster: (name, wish) => hub.loop.releaseCluster(name, wish),
      confirmRemoval: (id, confirmation) => hub.loop.confirmRemoval(id, confirmation),
      decideDeletion: (id, decision) => hub.loop.decideDeletion(id, decision),
      renderAgain: (id, operation) => hub.loop.interventions.renderAgain(id, operation),
    },
  })
  return { hub, app, admin, reader }
}

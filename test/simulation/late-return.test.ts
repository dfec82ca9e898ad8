import { describe, expect, test } from 'vitest'
import { SimulatedFleet } from './fleet.ts'

const MINUTE_MS = 60_000
const SHOP = { kind: 'folder', name: 'shop', cluster: 'eu', version: 1, parts: ['blue'] } as const

/** Both clusters joined after the only backup, and `us` has come to numbers of its own. Nobody does anything unasked. */
async function joinedAfterTheBackup() {
  const fleet = await SimulatedFleet.start({
    seed: 11,
    clusters: ['eu', 'us'],
    before: started => started.backUp(),
  })
  Object.assign(fleet.operator, { look: () => undefined })
  fleet.declare(fleet.declared.put(SHOP), true)
  for (let version = 1; version < 8; version++) {
    fleet.declare(fleet.declared.put({ ...SHOP, name: 'till', cluster: 'us', version }), true)
    await fleet.run(MINUTE_MS)
  }
  expect(await fleet.converged()).toEqual([])
  return fleet
}

async function restored(fleet: SimulatedFleet): Promise<void> {
  fleet.restore(true, 1_000)
  await fleet.run(2 * MINUTE_MS)
}

async function recovered(fleet: SimulatedFleet): Promise<void> {
  fleet.laws.recovered()
  await fleet.wait('the recovery', fleet.hub!.recovery.recover('ana'))
  await fleet.run(2 * MINUTE_MS)
}

async function acknowledged(fleet: SimulatedFleet): Promise<void> {
  const { recovery } = fleet.hub!
  await fleet.wait(
    'the acknowledgement',
    recovery.list().then(({ digest }) => recovery.acknowledge('ana', digest)),
  )
  await fleet.run(2 * MINUTE_MS)
  expect(recovery.state.kind).toBe('settled')
}

async function approved(fleet: SimulatedFleet, name: string): Promise<void> {
  const approving = fleet.hub!.admissions.approve({ name, replace: false, by: 'ana' })
  await fleet.wait('the approval', approving)
  expect((await approving).kind).toBe('approved')
  await fleet.run(2 * MINUTE_MS)
}

const till = (fleet: SimulatedFleet) =>
  fleet.agent('us').cluster.read({ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'till-blue' })?.metadata

type Step = (fleet: SimulatedFleet) => Promise<void>
const admitEu: Step = fleet => approved(fleet, 'eu')
const returns: Step = async fleet => {
  fleet.agent('us').faults.partitioned = false
  await fleet.run(3 * MINUTE_MS)
}
const leaves: Step = async fleet => {
  fleet.agent('us').faults.partitioned = true
  await fleet.run(3 * MINUTE_MS)
}
const admitUs: Step = fleet => approved(fleet, 'us')

describe('an agent that joined after the backup from which its hub was restored, and that comes back', () => {
  test.each<[sentence: string, steps: readonly Step[]]>([
    ['before the hub was recovered', [restored, returns, recovered, admitEu, admitUs, acknowledged]],
    ['before the recovery was acknowledged', [restored, recovered, admitEu, returns, acknowledged, admitUs]],
    ['long after', [restored, recovered, admitEu, acknowledged, returns, admitUs]],
    [
      'after the same backup was restored twice',
      [restored, recovered, admitEu, acknowledged, restored, recovered, admitEu, acknowledged, returns, admitUs],
    ],
    [
      'once more, after a second restore',
      [
        ...[restored, returns, recovered, admitEu, admitUs, acknowledged, leaves],
        ...[restored, recovered, admitEu, acknowledged, returns, admitUs],
      ],
    ],
  ])('%s, is admitted by one person, and nobody recovers the hub once more', async (_, steps) => {
    const fleet = await joinedAfterTheBackup()
    const before = till(fleet)
    await leaves(fleet)
    let recoveries = 0
    for (const step of steps) {
      if (step === recovered) recoveries++
      await step(fleet)
    }
    await fleet.run(30 * MINUTE_MS)
    expect(fleet.trace.lines.filter(line => line.includes('STORE_BEHIND'))).toHaveLength(recoveries)
    expect(await fleet.converged()).toEqual([])
    expect(till(fleet)).toMatchObject({ uid: before?.uid })
    expect(fleet.laws.breaches).toEqual([])
  })
})

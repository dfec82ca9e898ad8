import { expect, test } from 'vitest'
import { PORT_CALLS } from './port-calls.ts'
import { AN_HOUR_OF_TWELVE, type Deed, deedText, drawSchedule } from './schedule.ts'

const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1)

test('a seed has one schedule, of values that survive being written down, in order of time', () => {
  for (const seed of SEEDS.slice(0, 20)) {
    const schedule = drawSchedule(seed)
    expect(JSON.parse(JSON.stringify(schedule))).toEqual(schedule)
    expect(drawSchedule(seed)).toEqual(schedule)
    expect(schedule.deeds.map(({ at }) => at)).toEqual(schedule.deeds.map(({ at }) => at).sort((a, b) => a - b))
  }
})

test('two hundred seeds ask for a crash at every call of every port, on either side', () => {
  const asked = new Set<string>()
  for (const deed of SEEDS.flatMap(seed => drawSchedule(seed).deeds)) {
    if (deed.kind === 'crash') asked.add(`${deed.of === 'hub' ? 'hub' : 'agent'} ${deed.point.port} ${deed.point.side}`)
  }
  for (const [kind, ports] of Object.entries(PORT_CALLS)) {
    for (const port of ports) {
      expect(asked).toContain(`${kind} ${port} before`)
      expect(asked).toContain(`${kind} ${port} after`)
    }
  }
})

test('every kind of deed comes up', () => {
  const kinds = new Set<Deed['kind']>(SEEDS.flatMap(seed => drawSchedule(seed).deeds.map(({ kind }) => kind)))
  expect([...kinds].sort()).toEqual([
    'add',
    'api server',
    'back up',
    'break file',
    'bring back',
    'clock',
    'clone',
    'crash',
    'disk full',
    'edit',
    'freeze',
    'git away',
    'hand edit',
    'lose hub',
    'network',
    'partition',
    'remove',
    'replay',
    'restore',
    'revoke',
    'rotate agent key',
    'rotate hub key',
    'stop',
    'thief',
  ])
})

test('a deed is one line to read', () => {
  const deed: Deed = {
    at: 187_250,
    kind: 'crash',
    of: 'hub',
    point: { port: 'store.write', side: 'after', call: 3 },
    forMs: 9,
  }
  expect(deedText(deed)).toBe('003:07.250 crash of=hub point={"port":"store.write","side":"after","call":3} forMs=9')
})

test('the hour that speed is measured with has twelve clusters and begins with sixty Applications', () => {
  const { clusters, deeds } = drawSchedule(1, AN_HOUR_OF_TWELVE)
  const added = deeds.filter(deed => deed.at === 0 && deed.kind === 'add')
  expect(clusters).toHaveLength(12)
  expect(added.reduce((sum, deed) => sum + (deed.kind === 'add' && deed.cluster === '*' ? 12 : 1), 0)).toBe(60)
})

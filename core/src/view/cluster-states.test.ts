import { describe, expect, test } from 'vitest'
import { CLUSTER_STATES, type ClusterFacts, type ClusterState, clusterStates, showState } from './cluster-states.ts'

const JOINED: ClusterFacts = { declared: true, joined: true, connected: true, silent: false }

describe('the states of a cluster', () => {
  const rows: readonly (readonly [string, Partial<ClusterFacts>, readonly ClusterState[]])[] = [
    ['all is well', {}, ['CONNECTED']],
    ['declared, nobody has joined', { joined: false, connected: false }, ['NOT_JOINED']],
    [
      'nobody has joined, and somebody asks',
      { joined: false, connected: false, waiting: true },
      ['PENDING', 'NOT_JOINED'],
    ],
    [
      'an undeclared name that somebody asks for',
      { declared: false, joined: false, connected: false, waiting: true },
      ['PENDING'],
    ],
    ['gone a moment ago', { connected: false }, ['AWAY']],
    ['gone for long', { connected: false, silent: true }, ['SILENT']],
    ['revoked', { joined: false, connected: false, revokedAt: 1 }, ['REVOKED']],
    ['revoked, its key still stored', { connected: false, silent: true, revokedAt: 1 }, ['REVOKED']],
    ['cloned', { cloned: true }, ['CLONED', 'CONNECTED']],
    ['no document declares it', { declared: false }, ['NOT_DECLARED', 'CONNECTED']],
    ['not shown since a recovery', { recovery: 'unproved' }, ['RECOVERY_UNPROVED', 'CONNECTED']],
    ['not reported since a recovery', { recovery: 'proved' }, ['RECOVERY_UNREPORTED', 'CONNECTED']],
    ['the hub is behind', { hubBehind: true }, ['HUB_BEHIND', 'CONNECTED']],
    ['a minute off', { skewMs: -61_000 }, ['CLOCK_SKEWED', 'CONNECTED']],
    ['a little off', { skewMs: 59_000 }, ['CONNECTED']],
    ['holds what nobody names', { unclaimed: 2 }, ['UNCLAIMED', 'CONNECTED']],
    ['differs and is behind', { differs: true, holdsAll: false }, ['NOT_CONVERGING', 'BEHIND', 'CONNECTED']],
    [
      'speaks no common version',
      { versionRefused: true, connected: false, silent: true },
      ['VERSION_TOO_OLD', 'SILENT'],
    ],
    ['does not know the newest key', { keysBehind: true }, ['KEYS_BEHIND', 'CONNECTED']],
    ['nothing is known at all', { declared: false, joined: false, connected: false }, ['NOT_JOINED']],
  ]
  test.each(rows)('%s', (_sentence, over, expected) => expect(clusterStates({ ...JOINED, ...over })).toEqual(expected))

  test('every state of the table comes up', () =>
    expect(new Set(rows.flatMap(([, , states]) => states))).toEqual(new Set(Object.keys(CLUSTER_STATES))))
})

test('what to do names the cluster', () =>
  expect(showState('NOT_JOINED', 'eu-1').mend).toContain('flotilla cluster join-token --cluster eu-1'))

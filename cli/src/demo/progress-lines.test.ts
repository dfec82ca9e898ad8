import { expect, test } from 'vitest'
import type { FleetSummary } from './fleet-summary.ts'
import { ProgressLines } from './progress-lines.ts'

function summary(change: Partial<FleetSummary>): FleetSummary {
  return {
    clusters: 2,
    connected: 2,
    applications: 3,
    synced: 0,
    healthy: 0,
    held: [],
    complete: false,
    elapsedMs: 1,
    ...change,
  }
}

test('what to do next is told when everything is there', () => {
  const said: string[] = []
  const lines = new ProgressLines(text => said.push(text), ['edit …'])
  lines.tell(summary({}), [])
  lines.tell(summary({ synced: 3, healthy: 3, complete: true }), [])
  lines.tell(summary({ synced: 3, healthy: 3, complete: true }), ['web changes'])
  expect(said).toEqual([
    '0 of 3 Applications are Synced and Healthy',
    '3 of 3 Applications are Synced and Healthy',
    'edit …',
    'web changes',
  ])
})

test('what an earlier run left held keeps nobody from being told, and is named', () => {
  const said: string[] = []
  const lines = new ProgressLines(text => said.push(text), ['edit …'])
  const held = [{ name: 'web', code: 'MANIFEST_INVALID', reason: 'a.yaml:1:4 "[" is not closed' }]
  lines.tell(summary({ held }), [])
  lines.tell(summary({ synced: 2, healthy: 2, held }), [])
  expect(said.slice(-2)).toEqual(['web is held, MANIFEST_INVALID: a.yaml:1:4 "[" is not closed', 'edit …'])
})

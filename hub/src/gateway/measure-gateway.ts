import type { HubMetrics } from '../metrics.ts'
import type { AgentGateway } from './agent-gateway.ts'

/** The agents' side in figures: whether they hold what was issued to them, and what was refused to whom. */
export function measureGateway(gateway: AgentGateway, { gauge }: HubMetrics): void {
  const one = (value: number) => [{ labels: {}, value }]
  gauge('flotilla_agents_agreeing', 'Agents that hold what was issued to them, by their digest.', [], () =>
    one(gateway.connections().filter(({ heldUpTo, differs }) => heldUpTo !== undefined && !differs).length),
  )
  gauge('flotilla_agent_requests_refused', 'Requests of agents that were refused, since the start.', ['code'], () =>
    [...gateway.counters.refused].map(([code, value]) => ({ labels: { code }, value })),
  )
  gauge(
    'flotilla_agent_requests_put_off',
    'Requests of agents that were given a time because there was no room, since the start.',
    [],
    () => one(gateway.counters.putOff),
  )
  gauge('flotilla_agent_foreign_entries', 'Report entries about Applications that are not the reporter’s.', [], () =>
    one(gateway.counters.foreignEntries),
  )
}

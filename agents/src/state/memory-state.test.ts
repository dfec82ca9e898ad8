import type { AgentState } from '@flotilla/core/ports/agent-state'
import { agentStateConformance } from './agent-state.conformance.ts'
import { MemoryState } from './memory-state.ts'

const places = new Map<string, AgentState>()

agentStateConformance('memory', {
  place: async () => {
    const place = `place-${places.size}`
    places.set(place, new MemoryState())
    return place
  },
  open: async place => places.get(place) ?? new MemoryState(),
})

import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { AgentIdentity } from './agent-identity.ts'
import type { LinkStatus } from './link-status.ts'
import type { OwnStart } from './own-start.ts'
import { readRefusal } from './refusal.ts'

/** What a refusal changes. */
export interface RefusalParts {
  readonly log: Log
  readonly start: Pick<OwnStart, 'hearOf'>
  readonly identity: Pick<AgentIdentity, 'refused'>
  setStatus(status: LinkStatus): void
  /** Ends the connection, and says why. */
  close(why: string): void
}

/** Does what a refusal asks for: raise the incarnation, ask anew with a join token, or wait for a person. */
export function takeRefusal(response: HubResponse, parts: RefusalParts): void {
  const { log, start, identity, setStatus, close } = parts
  const refusal = readRefusal(response)
  switch (refusal?.kind) {
    case undefined:
      return
    case 'newer-start':
      start.hearOf(refusal.highestInc)
      log.warn('the hub knows a newer start of this agent', { highestInc: refusal.highestInc })
      close('a newer start is known')
      return
    case 'impossible-start': {
      const named = `the hub names ${refusal.highestInc} as the newest start of this agent`
      refusedForGood('INCARNATION', `${named}: nobody starts so often`, parts)
      return
    }
    case 'cloned': {
      const two = 'another agent speaks for this cluster too'
      refusedForGood('CLONED', `${two}; an operator has to say which of them is the right one`, parts)
      return
    }
    case 'unknown-agent':
      if (!identity.refused()) return
      setStatus({ kind: 'refused', code: 'UNAUTHORISED', message: 'the hub does not know this agent (any more)' })
      log.error(
        'the hub refuses this agent: it was revoked, its name was given to another, or the hub has lost its store',
      )
      close('the hub does not know this agent')
      return
    case 'protocol': {
      const { spoken } = refusal
      setStatus({ kind: 'refused', code: 'PROTOCOL', message: `the hub speaks protocol ${spoken}` })
      log.error('this agent and its hub have no protocol version in common; it keeps what it holds', { spoken })
    }
  }
}

function refusedForGood(code: 'CLONED' | 'INCARNATION', message: string, parts: RefusalParts): void {
  parts.setStatus({ kind: 'refused', code, message })
  parts.log.error(message)
  // A join token that is new here may be the operator's answer.
  parts.identity.refused()
  parts.close(code.toLowerCase())
}

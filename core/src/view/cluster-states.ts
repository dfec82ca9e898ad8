import type { ClusterRecovery } from '../protocol/recovery.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** How a state is to be taken: `good` needs nobody, `note` mends itself, the others need a person, `bad` soon. */
export type StateTone = 'good' | 'note' | 'warning' | 'bad'

interface StateRow {
  readonly tone: StateTone
  readonly meaning: string
  /** What to do; a sentence for people, with the command where there is one. `<name>` is the cluster's. */
  readonly mend: string
}

/**
 * Every state that a cluster can be shown in, what it means and what to do: one table for the command, the API and
 * docs/operating.md, which a test holds against it. In order of urgency: of several the first is shown first.
 */
export const CLUSTER_STATES = {
  HUB_BEHIND: {
    tone: 'bad',
    meaning:
      'The hub has lost part of its memory (STORE_BEHIND) and issues nothing, to any cluster. What runs goes on.',
    mend: 'Look with "flotilla hub recover --show", then "flotilla hub recover".',
  },
  CLONED: {
    tone: 'bad',
    meaning:
      'Two agents speak with the key of this cluster: a copied folder, machine image or Secret. It gets no Grants.',
    mend: 'Stop the one that should not be, give the other one a new token from "flotilla cluster join-token --cluster <name>", then "flotilla cluster approve <name> --replace".',
  },
  REVOKED: {
    tone: 'warning',
    meaning:
      'The agent was revoked: the hub refuses it. What it applied stays in the cluster and is corrected as before.',
    mend: 'To let the cluster in again: "flotilla cluster join-token --cluster <name>", and start the agent with it.',
  },
  PENDING: {
    tone: 'warning',
    meaning: 'An agent asks to be admitted as this cluster and waits for a person.',
    mend: 'Compare the UID of its kube-system namespace with what "flotilla cluster list" shows, then "flotilla cluster approve <name>", or reject it.',
  },
  VERSION_TOO_OLD: {
    tone: 'warning',
    meaning: 'The agent and the hub have no protocol version in common: it keeps what it has and takes nothing new.',
    mend: 'Upgrade the agent; a hub serves agents of the two minor versions before its own.',
  },
  NOT_CONVERGING: {
    tone: 'warning',
    meaning: 'Hub and agent still name different documents or reports after comparing them line by line.',
    mend: 'Look into both logs for what is refused; restarting the agent makes it ask for everything. If it lasts, it is a defect: please report it.',
  },
  CLOCK_SKEWED: {
    tone: 'warning',
    meaning:
      "The clock of the agent's machine differs from the hub's by more than a minute. Gates use the hub's time, so nothing is wrong with them; certificates and logs may be.",
    mend: 'Have the machine keep time (NTP). When most clusters show it, it is the clock of the hub.',
  },
  SILENT: {
    tone: 'warning',
    meaning:
      'The agent has not been heard for over a hundred seconds; what is shown of its Applications is Unknown. It goes on correcting drift, and starts nothing new.',
    mend: 'See whether the agent runs and reaches the hub: "kubectl -n flotilla-system logs deploy/flotilla-agent"; network, proxy, DNS and certificates are the usual causes.',
  },
  RECOVERY_UNPROVED: {
    tone: 'note',
    meaning:
      'Since the hub was recovered, or copies of the cluster were told apart, the agent has not shown what it holds, so nothing is offered to it.',
    mend: 'It does by itself once it is connected; see that it is.',
  },
  RECOVERY_UNREPORTED: {
    tone: 'note',
    meaning:
      'Since the hub was recovered, or copies of the cluster were told apart, the agent has not reported on all of its Applications: no sync and no removal starts.',
    mend: 'It does by itself within two heartbeats, about a minute.',
  },
  UNCLAIMED: {
    tone: 'note',
    meaning:
      'The agent holds Applications that the hub does not name: they stay as they are, and nobody updates or removes them.',
    mend: 'Declare them again, and they are taken up; or remove their objects by hand, when nobody wants them.',
  },
  KEYS_BEHIND: {
    tone: 'note',
    meaning: 'The agent does not know the newest key of the hub, which therefore signs with the one before.',
    mend: 'It learns it when it is connected. To rotate without waiting for clusters that are gone: revoke them.',
  },
  NOT_DECLARED: {
    tone: 'note',
    meaning:
      'The cluster has an agent, and no document declares it: nothing can be deployed there, and what runs stays.',
    mend: 'Declare the Cluster again, or end its agent with "flotilla cluster revoke <name>".',
  },
  NOT_JOINED: {
    tone: 'note',
    meaning: 'The Cluster is declared, and no agent has joined as it.',
    mend: '"flotilla cluster join-token --cluster <name>", and start an agent there with the token.',
  },
  BEHIND: {
    tone: 'note',
    meaning: 'The agent does not yet hold everything that the hub has issued for it.',
    mend: 'It fetches it by itself; if it lasts for minutes, look into the agent’s log.',
  },
  AWAY: {
    tone: 'note',
    meaning: 'The connection was lost a moment ago.',
    mend: 'The agent dials again within a minute.',
  },
  CONNECTED: {
    tone: 'good',
    meaning: 'The agent is connected, by socket or by polls.',
    mend: 'Nothing.',
  },
} as const satisfies { readonly [code: string]: StateRow }

export type ClusterState = keyof typeof CLUSTER_STATES

/** A state as it is shown of one cluster. */
export interface ShownState extends StateRow {
  readonly code: ClusterState
}

/** Hubs and agents whose clocks differ by more are told so. */
export const SKEW_SHOWN_MS = 60_000

/** What a cluster's states follow from. What is not known is left out, and then is no reason for a state. */
export interface ClusterFacts {
  readonly declared: boolean
  /** Whether an agent is admitted. */
  readonly joined: boolean
  readonly revokedAt?: EpochMs
  /** An agent asks to be admitted under this name. */
  readonly waiting?: boolean
  readonly connected: boolean
  readonly silent: boolean
  readonly cloned?: boolean
  readonly recovery?: ClusterRecovery
  /** The hub is behind: the state of every cluster. */
  readonly hubBehind?: boolean
  readonly skewMs?: number
  /** Applications that it holds and the hub does not name. */
  readonly unclaimed?: number
  /** Digests still differ after a resync. */
  readonly differs?: boolean
  readonly versionRefused?: boolean
  readonly keysBehind?: boolean
  /** Whether it holds everything that was issued. */
  readonly holdsAll?: boolean
}

/** The states of a cluster, the most urgent first; one at least. */
export function clusterStates(facts: ClusterFacts): readonly ClusterState[] {
  const { declared, joined, connected, silent, revokedAt } = facts
  const admitted = joined && revokedAt === undefined
  const holds: { readonly [State in ClusterState]: boolean } = {
    HUB_BEHIND: facts.hubBehind === true,
    CLONED: facts.cloned === true,
    REVOKED: revokedAt !== undefined,
    PENDING: facts.waiting === true,
    VERSION_TOO_OLD: admitted && facts.versionRefused === true,
    NOT_CONVERGING: admitted && facts.differs === true,
    CLOCK_SKEWED: admitted && Math.abs(facts.skewMs ?? 0) > SKEW_SHOWN_MS,
    SILENT: admitted && !connected && silent,
    RECOVERY_UNPROVED: admitted && facts.recovery === 'unproved',
    RECOVERY_UNREPORTED: admitted && facts.recovery === 'proved',
    UNCLAIMED: admitted && (facts.unclaimed ?? 0) > 0,
    KEYS_BEHIND: admitted && facts.keysBehind === true,
    NOT_DECLARED: admitted && !declared,
    NOT_JOINED: declared && !joined && revokedAt === undefined,
    BEHIND: admitted && connected && facts.holdsAll === false,
    AWAY: admitted && !connected && !silent,
    CONNECTED: admitted && connected,
  }
  const codes = (Object.keys(CLUSTER_STATES) as ClusterState[]).filter(code => holds[code])
  return codes.length > 0 ? codes : ['NOT_JOINED']
}

/** The row of the table, in words about this cluster. */
export function showState(code: ClusterState, name: string): ShownState {
  const { tone, meaning, mend } = CLUSTER_STATES[code]
  return { code, tone, meaning, mend: mend.replaceAll('<name>', name) }
}

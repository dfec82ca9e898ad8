import type { EpochMs } from '../time/epoch-ms.ts'

export type EnrolmentState = 'waiting' | 'approved' | 'rejected'

/** An agent that asks to be admitted and waits for a person: by a pending token, or because the name has another key. */
export interface EnrolmentRow {
  /** Follows from the token and the key, so that asking again is the same enrolment. */
  readonly id: string
  readonly tokenId: string
  /**
   * `pending`: by a token for many; `replacement`: by a token for a name that belongs to another key or cluster;
   * `return`: by an admission that this hub once signed and does not remember.
   */
  readonly kind: 'pending' | 'replacement' | 'return'
  /** The agent's public key, base64url: what is admitted on approval. */
  readonly key: string
  /** UID of the cluster's `kube-system` namespace, as the agent says. */
  readonly uid: string
  readonly versions: { readonly [key: string]: string }
  /** For a replacement: the name that its token is for; for a return: the name that it was admitted as. */
  readonly clusterName?: string
  /** What the agent would like to be called; without effect before the approval. */
  readonly proposedName?: string
  readonly proposedLabels: { readonly [key: string]: string }
  /** The address that it asked from, as the gateway saw it. */
  readonly address: string
  readonly requestedAt: EpochMs
  /** When it last asked, to about an hour. */
  readonly askedAt: EpochMs
  readonly state: EnrolmentState
  readonly decision?: { readonly by: string; readonly at: EpochMs; readonly reason?: string }
  /** The cluster that it was admitted as. */
  readonly clusterId?: string
}

/** What a hub remembers of a Cluster that nobody declared: it was approved from a pending token. */
export interface RegisteredCluster {
  readonly labels: { readonly [key: string]: string }
  readonly at: EpochMs
  readonly by: string
}

import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Api } from './api.ts'

/** One promise of the Kubernetes API that Flotilla or its tests rely on. */
export interface Row {
  /** What holds, as a sentence: the test's name. */
  readonly sentence: string
  /** Throws (by `expect`) when it does not hold. */
  run(context: RowContext): Promise<void>
  /** A side on which the row cannot hold, and why; shown in the test report. */
  readonly skipOn?: { readonly side: Side; readonly reason: string }
}

export type Side = 'simulated' | 'real'

export interface RowContext {
  /** As the administrator. */
  readonly api: Api
  /** Made for this row, and empty but for what every namespace has. */
  readonly namespace: string
  /**
   * The resource `widgets` of a CRD that all rows of a side share (see `documents.ts`), established.
   *
   * @returns `contract.flotilla.test/v1/widgets`
   */
  widgets(): Promise<string>
  /** The API as someone else: a user who was given no rights, nobody in particular, or one with a made-up token. */
  as(identity: Identity): Api
  /** A name that no other row uses, for what has no namespace. */
  unique(prefix: string): string
}

/** The name of that user, for rows that give it rights. */
export const userWithoutRights = 'mallory'

export type Identity = 'user-without-rights' | 'anonymous' | 'wrong-token'

/** What a side of the contract brings. */
export interface Cluster {
  transport(identity: Identity | 'admin'): ClusterTransport
  stop(): Promise<void>
}

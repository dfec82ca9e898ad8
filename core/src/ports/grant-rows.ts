import type { CommandOutcome, CommandPayload, GrantPayload } from '../protocol/documents.ts'
import type { CommandResult } from '../protocol/frames.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

export type GrantState = 'open' | 'started' | 'refused' | 'lapsed' | 'void'

export interface GrantRow {
  readonly id: string
  readonly clusterId: string
  readonly applicationId: string
  readonly payload: GrantPayload
  readonly jws: string
  readonly state: GrantState
  readonly reason?: string
  readonly createdAt: EpochMs
}

export type CommandState = 'open' | CommandOutcome

export interface CommandRow {
  readonly id: string
  readonly clusterId: string
  readonly applicationId: string
  readonly payload: CommandPayload
  readonly jws: string
  readonly state: CommandState
  /** The agent's words. */
  readonly message?: string
  readonly result?: CommandResult
  readonly createdAt: EpochMs
  readonly answeredAt?: EpochMs
}

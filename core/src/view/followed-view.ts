import type { JsonObject } from '../json/json.ts'
import type { CommandRow, GrantRow, OperationRow } from '../ports/store.ts'
import { type EpochMs, isoTime } from '../time/epoch-ms.ts'

/**
 * `waiting`: its agent has not begun; `running`; then one end. `refused`, `lapsed` and `cancelled` have done nothing;
 * `unknown` may have.
 */
export type FollowedState =
  | 'waiting'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'refused'
  | 'lapsed'
  | 'cancelled'
  | 'unknown'

/** What somebody asked for, from the asking to its end: a sync, a removal, or a command to one object. */
export interface FollowedView {
  readonly id: string
  readonly kind: 'sync' | 'removal' | 'command'
  readonly application: string
  readonly cluster: string
  readonly state: FollowedState
  readonly message: string
  readonly by: string
  readonly trigger: string
  readonly dryRun: boolean
  readonly resources: readonly JsonObject[]
  readonly createdAt: string
  /** Not begun at or after this. */
  readonly startBefore: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  /** Of a command: verb and target. */
  readonly action: JsonObject | null
  /** Of a command that looked at or changed an object: what it was then. */
  readonly result: JsonObject | null
  /** How often it was tried; 1 of what is not tried again. */
  readonly attempts: number
  /** When it goes on: a gate opens, or the next attempt begins. */
  readonly resumesAt: string | null
  /** Of a sync or a removal: what became of each object. */
  readonly results: readonly JsonObject[]
  readonly resultsCut: number
}

interface Place {
  readonly application: string
  readonly cluster: string
}

/** A Grant and what its agent says of the operation under it. */
export function viewGrant(
  { id, payload, state, reason, createdAt }: GrantRow,
  row: OperationRow | undefined,
  place: Place,
  now: EpochMs,
): FollowedView {
  const operation = row?.operation
  const resumesAt = operation?.resumesAt ?? operation?.retryAt
  const followed = (): FollowedState => {
    if (operation) {
      const { phase } = operation
      return phase === 'Succeeded' ? 'succeeded' : phase === 'Failed' || phase === 'Error' ? 'failed' : 'running'
    }
    if (state === 'started') return 'running'
    if (state === 'refused') return 'refused'
    if (state === 'void') return 'cancelled'
    return state === 'lapsed' || now >= payload.startBefore ? 'lapsed' : 'waiting'
  }
  return {
    id,
    kind: payload.trigger === 'delete' ? 'removal' : 'sync',
    ...place,
    state: followed(),
    message: operation?.message ?? reason ?? '',
    by: payload.by,
    trigger: payload.trigger,
    dryRun: payload.options.dryRun,
    resources: (payload.options.resources ?? []) as unknown as readonly JsonObject[],
    createdAt: isoTime(createdAt),
    startBefore: isoTime(payload.startBefore),
    startedAt: operation ? isoTime(operation.startedAt) : null,
    finishedAt: operation?.finishedAt === undefined ? null : isoTime(operation.finishedAt),
    action: null,
    result: null,
    attempts: operation?.attempts ?? 1,
    resumesAt: resumesAt === undefined ? null : isoTime(resumesAt),
    results: (operation?.results ?? []) as unknown as readonly JsonObject[],
    resultsCut: operation?.resultsCut ?? 0,
  }
}

const STATES = {
  done: 'succeeded',
  failed: 'failed',
  refused: 'refused',
  lapsed: 'lapsed',
  unknown: 'unknown',
  open: 'waiting',
} as const

/** A command and its answer. */
export function viewCommand(row: CommandRow, place: Place): FollowedView {
  const { id, payload, state, message, result, createdAt, answeredAt } = row
  return {
    id,
    kind: 'command',
    ...place,
    state: STATES[state],
    message: message ?? '',
    by: payload.by,
    trigger: 'manual',
    dryRun: false,
    resources: [],
    createdAt: isoTime(createdAt),
    startBefore: isoTime(payload.expires),
    startedAt: null,
    finishedAt: answeredAt === undefined ? null : isoTime(answeredAt),
    action: payload.action as unknown as JsonObject,
    result: (result as unknown as JsonObject | undefined) ?? null,
    attempts: 1,
    resumesAt: null,
    results: [],
    resultsCut: 0,
  }
}

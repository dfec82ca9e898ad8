import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { OperationPhase } from '../model/status.ts'
import type { Place } from '../plan/plan-order.ts'
import type { SyncAction, SyncPlan } from '../plan/sync-plan.ts'
import type { ContinueAnswer } from '../protocol/may-start.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { Assess } from './hook-run.ts'
import type { HookRef } from './hook-steps.ts'
import type { RunOptions } from './run-options.ts'
import type { SyncProgress } from './sync-progress.ts'
import type { Blocking } from './wave-gate.ts'

/** What the step function looks at. Everything else it remembers in the progress. */
export interface StepInput {
  /** The operation's id: hooks bear it. */
  readonly operationId: string
  /** Of this look at the cluster; hooks stand in it, and what was done before is `keep`. */
  readonly plan: SyncPlan
  /** Live objects of targets, Inventory and hooks, by key text. */
  readonly live: ReadonlyMap<string, KubernetesObject>
  readonly progress: SyncProgress
  readonly run: RunOptions
  readonly startedAt: EpochMs
  readonly now: EpochMs
  /** What the gates say of going on. */
  readonly mayContinue: ContinueAnswer
  /** Somebody asked the operation to end. */
  readonly terminate?: { readonly message: string }
  /** Of this process: the dry run of this place was asked for, and this was refused. */
  readonly checked?: { readonly place: Place; readonly refused: readonly string[] }
  readonly appliedVersion: (name: string) => string | undefined
  /** See the gate of a wave. */
  readonly lateClaims?: ReadonlySet<string>
  readonly assess: Assess
  /** Of a removal: objects of which it cannot be told whether they are there keep it from ending. */
  readonly removal?: true
  /** Whether a failure is tried again. */
  readonly mayRetry: boolean
  /** 0 to 1; drawn once for each step, used when a retry is announced. */
  readonly jitter: number
}

/** Writes of one phase and wave, hooks that are due among them, in the plan's order. */
export interface WaveWork {
  readonly place: Place
  readonly actions: readonly SyncAction[]
}

/** What the shell does next. The progress of the same step is stored before it is begun. */
export type Instruction =
  /** Nothing now; step again when something changes, or after this. */
  | { readonly kind: 'wait'; readonly againInMs?: number }
  /** Ask the server, without writing, whether it would take these. */
  | { readonly kind: 'check'; readonly work: WaveWork; readonly preflight: boolean }
  /** Take our finalizer off hooks whose result is stored. */
  | { readonly kind: 'free'; readonly hooks: readonly HookRef[] }
  | { readonly kind: 'remove'; readonly hooks: readonly HookRef[] }
  | { readonly kind: 'perform'; readonly work: WaveWork }
  | { readonly kind: 'end' }

export interface Step {
  readonly instruction: Instruction
  readonly progress: SyncProgress
  readonly phase: OperationPhase
  readonly message: string
  readonly resumesAt?: EpochMs
  /** What the operation waits for. */
  readonly blocking?: readonly Blocking[]
}

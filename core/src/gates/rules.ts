import type { EpochMs } from '../time/epoch-ms.ts'
import type { Labels } from './label-selector.ts'

/** What may be asked to happen to an Application. Terminate, refresh, diff and dry runs are never asked about. */
export type GateAction = 'sync' | 'rollback' | 'promote' | 'prune' | 'delete-app' | 'actions' | 'edit-spec'
export const GATE_ACTIONS: readonly GateAction[] = [
  'sync',
  'rollback',
  'promote',
  'prune',
  'delete-app',
  'actions',
  'edit-spec',
]
/** What a SyncWindow restricts unless it says otherwise. */
export const WINDOW_BLOCKS: readonly GateAction[] = ['sync', 'rollback', 'promote']
/** What a FreezePeriod holds unless it says otherwise. */
export const FREEZE_BLOCKS: readonly GateAction[] = ['sync', 'rollback', 'promote', 'prune', 'delete-app']

/** `self-heal` counts as automated, but for freezes with `selfHeal: continue`. */
export type GateTrigger = 'automated' | 'manual' | 'self-heal'

/** What the gates know of an Application. Answers are remembered by this object, so make one per change of it. */
export interface GateTarget {
  readonly name: string
  readonly project: string
  /** Name of its ApplicationSet. */
  readonly set?: string
  readonly labels: Labels
  /** As its document writes it. */
  readonly destination: { readonly name?: string; readonly server?: string; readonly namespace?: string }
  /** The cluster that the destination means, where one is declared; one object for all on it, another after a change. */
  readonly cluster?: GateCluster
}

export interface GateCluster {
  readonly name: string
  readonly servers: readonly string[]
  readonly labels: Labels
  readonly environment?: string
  /** IANA name; absent: the organisation's. */
  readonly timeZone?: string
}

/** AND between the keys, OR inside a list. Without any key it is invalid: `all` says everything. */
export interface GateScope {
  readonly all?: boolean
  readonly projects?: readonly string[]
  readonly sets?: readonly string[]
  readonly applications?: NamesAndLabels
  readonly clusters?: NamesAndLabels
  readonly namespaces?: readonly string[]
  readonly environments?: readonly string[]
}

export interface NamesAndLabels {
  readonly names?: readonly string[]
  /** `tier in (gold,silver)`. */
  readonly selector?: string
}

export interface GateExclusion extends GateScope {
  readonly reason: string
  readonly approvedBy?: string
  /** Local date (its beginning) or time in the rule's zone, or an instant; absent: never. */
  readonly expires?: string
}

interface RuleHead {
  /** As people know it: `SyncWindow/nights`, `Project/shop syncWindows[2]`. Unique among the rules. */
  readonly name: string
  readonly owner?: string
  /** Who has made it; all of them count, and all are shown. */
  readonly level: 'organisation' | 'project' | 'team'
  /**
   * Globs of Projects: it concerns no others, whatever its scope says, and closes these when its scope cannot be read.
   * The Project that holds it, or those that its config source may declare for; absent: all.
   */
  readonly within?: readonly string[]
}

/** Argo CD's selection: lists of globs, any of which is enough unless `andOperator` is set. */
export interface ArgoWindowScope {
  readonly applications?: readonly string[]
  readonly namespaces?: readonly string[]
  readonly clusters?: readonly string[]
  readonly andOperator?: boolean
}

/** A recurring window. Texts are as documents write them: what cannot be read closes, with the reason shown. */
export interface WindowRule extends RuleHead {
  /** `allow` or `deny`. */
  readonly kind: string
  readonly schedule: string
  readonly duration: string
  /** IANA name or `cluster`; UTC when absent. */
  readonly timeZone?: string
  readonly select:
    | { readonly kind: 'argo'; readonly scope: ArgoWindowScope }
    | { readonly kind: 'scope'; readonly scope: GateScope }
  readonly exclude?: readonly GateExclusion[]
  readonly manualSync?: boolean
  readonly syncOverrun?: boolean
  readonly description?: string
  readonly blocks?: readonly GateAction[]
  /**
   * Windows of one rhythm are judged together: one of its allows is enough. Every rhythm has to be open, so that nobody
   * opens what others have closed by a window of his own. Absent: that of the config sources.
   */
  readonly rhythm?: string
}

/** One entry of `when`. */
export type FreezeTime =
  | { readonly from: string; readonly until?: string; readonly through?: string }
  | { readonly yearly: { readonly from: string; readonly through: string } }
  | {
      readonly rrule: string
      readonly duration: string
      /** The first day or time that counts, local. Needed where the rule counts from one (INTERVAL, COUNT). */
      readonly start?: string
      readonly exdates?: readonly string[]
    }
  | { readonly calendar: string; readonly summary?: string }

export interface BreakGlass {
  readonly allowed?: boolean
  readonly approvals?: number
  /** Go duration. */
  readonly maxDuration?: string
  readonly ticketPattern?: string
}

export interface FreezeRule extends RuleHead {
  readonly freeze: 'hard' | 'soft'
  readonly reason: string
  readonly scope: GateScope
  readonly exclude?: readonly GateExclusion[]
  readonly when: readonly FreezeTime[]
  /** IANA name or `cluster`; UTC when absent. */
  readonly timeZone?: string
  readonly blocks?: readonly GateAction[]
  readonly selfHeal?: 'pause' | 'continue'
  readonly inFlight?: InFlight
  /** Go duration; 15m when absent. */
  readonly gracePeriod?: string
  readonly breakGlass?: BreakGlass
  /** ISO durations: so long before each beginning people are told. */
  readonly announce?: readonly string[]
  /** `false`: there is no exemption from it, whoever writes one. */
  readonly exemptable?: boolean
  /** Why nothing else of it could be read: it closes all that it may concern. */
  readonly unreadable?: string
}

export type InFlight = 'finish' | 'pauseAtWave' | 'terminate'

/** An imported iCalendar as it was last fetched. */
export interface CalendarSnapshot {
  readonly name: string
  readonly text: string
}

/** Break-glass: for these Applications, actions and times the rules that it covers do not hold. */
export interface OverrideRule {
  readonly name: string
  readonly scope: GateScope
  readonly covers: readonly ('freeze' | 'window')[]
  readonly actions: readonly GateAction[]
  readonly from: EpochMs
  readonly until: EpochMs
  /** Digest: this content only. */
  readonly bundle?: string
  readonly maxUses?: number
  readonly includeAutomated?: boolean
  readonly reason: string
  readonly requestedBy: string
  readonly approvals: readonly { readonly by: string; readonly at: EpochMs }[]
  readonly uses: number
  readonly revoked?: boolean
}

export interface GateRules {
  readonly windows: readonly WindowRule[]
  readonly freezes: readonly FreezeRule[]
  readonly overrides?: readonly OverrideRule[]
  readonly calendars?: readonly CalendarSnapshot[]
  /** For `timeZone: cluster` where the cluster has none; UTC when absent. */
  readonly defaultTimeZone?: string
}

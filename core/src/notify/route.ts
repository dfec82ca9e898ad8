/** What is told of, by the names of Argo CD's catalogue where the meaning is the same. */
export const STATE_TRIGGERS = [
  'on-health-degraded',
  'on-sync-failed',
  'on-sync-status-unknown',
  'on-out-of-sync',
  'on-held',
  'on-agent-silent',
  'on-condition',
] as const
/** Something that happens rather than lasts: it is told once and has no end. */
export const EVENT_TRIGGERS = ['on-deployed', 'on-sync-succeeded', 'on-gate'] as const
export const TRIGGERS = [...STATE_TRIGGERS, ...EVENT_TRIGGERS] as const

export type TriggerKind = (typeof TRIGGERS)[number]

export interface RouteTrigger {
  /** Unique in its route; the kind where the document gives no other. */
  readonly name: string
  readonly kind: TriggerKind
  /** How long a state has to last before it is told of. */
  readonly forMs: number
  /** A condition in CEL over `app`, besides the kind's own. */
  readonly when?: string
  /** Of `on-gate`: kinds of events, globs; every one without it. */
  readonly events?: readonly string[]
}

/** Which Applications a route tells of; every list that is there has to name it, with `*` for any characters. */
export interface RouteSelection {
  readonly projects?: readonly string[]
  readonly sets?: readonly string[]
  readonly applications?: readonly string[]
  readonly clusters?: readonly string[]
  readonly environments?: readonly string[]
  readonly labels?: { readonly [key: string]: string }
}

/** A key of a Secret in the hub's folder of secrets. */
export interface SecretRef {
  readonly secretName: string
  readonly key: string
}

export type RouteTarget = { readonly name: string } & (
  | { readonly kind: 'slack'; readonly urlRef: SecretRef }
  | {
      readonly kind: 'slack'
      readonly channel: string
      readonly tokenRef: SecretRef
      readonly api: string
    }
  | { readonly kind: 'teams'; readonly urlRef: SecretRef }
  | {
      readonly kind: 'email'
      /** `smtp://host:587` (STARTTLS where there is a password) or `smtps://host:465`. */
      readonly server: string
      readonly from: string
      readonly to: readonly string[]
      readonly usernameRef?: SecretRef
      readonly passwordRef?: SecretRef
    }
  | {
      readonly kind: 'webhook'
      readonly url?: string
      readonly urlRef?: SecretRef
      /** Whose key signs each message. */
      readonly signingKeyRef?: SecretRef
      readonly bearerRef?: SecretRef
    }
  | {
      readonly kind: 'github' | 'gitlab'
      readonly api: string
      readonly tokenRef: SecretRef
      /** The status' name at the host. */
      readonly context: string
    }
)

export type TargetKind = RouteTarget['kind']

/** A NotificationRoute: which changes of state go where. */
export interface NotificationRouteSpec {
  /** The team whose eyes it has: what that team may not see is in no message. Absent: the whole fleet. */
  readonly team?: string
  readonly select: RouteSelection
  readonly triggers: readonly RouteTrigger[]
  readonly targets: readonly RouteTarget[]
  /** How long is waited for others with the same cause before the first message. */
  readonly groupWaitMs: number
  /** At most so often is told that it has become more. */
  readonly updateEveryMs: number
  /** How often is told that it goes on; absent: never. */
  readonly repeatEveryMs?: number
  /** Whether the end is told. */
  readonly resolved: boolean
  readonly template: { readonly title?: string; readonly body?: string }
}

export function isEventTrigger(kind: TriggerKind): boolean {
  return (EVENT_TRIGGERS as readonly string[]).includes(kind)
}

import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { ClusterRow, OperationRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ClusterFacts } from '@flotilla/core/view/cluster-states'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { AccessKeeper } from '../access/access-keeper.ts'
import type { AdminRights } from '../access/admin-rights.ts'
import type { KnownProject } from '../access/known-projects.ts'
import { type Access, withAccess } from '../access/route-access.ts'
import type { TrustOf } from '../access/seen-sources.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { ReadSampling } from '../audit/record-reads.ts'
import type { GateDesk } from '../gate-desk/gate-desk.ts'
import type { ClusterAdmissions } from '../gateway/cluster-admissions.ts'
import type { HubKeyRotation } from '../gateway/rotate-hub-key.ts'
import type { Uploads } from '../gateway/uploads.ts'
import type { RemovalAnswer, RemovalConfirmation } from '../loop/confirm-removal.ts'
import type { AdoptionDecision, WaitingAdoption } from '../loop/decide-adoption.ts'
import type { DeletionAnswer, DeletionDecision } from '../loop/decide-deletion.ts'
import type { ReleaseAnswer, ReleaseWish } from '../loop/release-cluster.ts'
import type { HubMetrics } from '../metrics.ts'
import type { Notifier } from '../notify/notifier.ts'
import type { OperationDesk } from '../operations/operation-desk.ts'
import type { PauseActs } from '../operations/pause-desk.ts'
import type { PinActs } from '../operations/pin-desk.ts'
import type { Preview } from '../preview/preview.ts'
import type { ChangeRequest } from '../preview/preview-of-hub.ts'
import type { Recovery } from '../recovery/recovery.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import type { WebhookEvent } from '../webhooks/event.ts'
import type { FeedTotals } from './feed-totals.ts'
import type { FleetView } from './fleet-view.ts'
import { teamParameter } from './parameters.ts'
import type { ProblemCode } from './problem.ts'
import type { RequestLimitSettings } from './request-limits.ts'
import type { Caller } from './tokens.ts'
import type { VisibleSet } from './visible-set.ts'
import type { Watchers } from './watchers.ts'

/** What the API lets others do. Each resolves when the work is begun, not when it is done. */
export interface ApiActions {
  refreshSource(name: string): Promise<void>
  refreshRepository(url: string): Promise<void>
  /** Looks again at whatever these events concern. @returns Whether they concern anything. */
  heard(events: readonly WebhookEvent[]): Promise<boolean>
  /** Asks this plugin again, for every set that names it. @returns Whether any does. */
  refreshPlugin(name: string): Promise<boolean>
  /** Decides on a removal that waits; resolves when it is written down. */
  decideDeletion(id: string, decision: DeletionDecision): Promise<DeletionAnswer>
  /** Objects of other tools that would become ours, by whom to ask. */
  waitingAdoptions(): Promise<readonly WaitingAdoption[]>
  decideAdoption(id: string, decision: AdoptionDecision): Promise<WaitingAdoption | undefined>
  /** Lets the removal of this Application delete exactly what its agent holds up. */
  confirmRemoval(id: string, confirmation: RemovalConfirmation): Promise<RemovalAnswer>
  /** Lets go of what a cluster has that nobody wants there any more. */
  releaseCluster(name: string, wish: ReleaseWish): Promise<ReleaseAnswer>
  /** @param by The caller's name, for the audit. */
  createJoinToken(
    clusterName: string,
    by: string,
  ): Promise<{ readonly id: string; readonly token: string; readonly expiresAt: EpochMs }>
  /** A token for many, each of which waits for approval. */
  createPendingToken?(wish: {
    readonly labels: { readonly [key: string]: string }
    readonly max: number
    readonly expiresInMs: number
    readonly by: string
  }): Promise<{ readonly id: string; readonly token: string; readonly expiresAt: EpochMs }>
  /** Renders again what an operation of this Application applied; undefined where that does not come to it. */
  renderAgain?(applicationId: string, operation: OperationRow): Promise<Uint8Array | undefined>
  /** Writes nothing; resolves when it is known. @throws PreviewError */
  previewChange(request: ChangeRequest): Promise<Preview>
}

export interface ApiSettings {
  /** The hub's version. */
  readonly version: string
  /** Wanted from webhooks, each host showing it in its own way. Without it they are open. */
  readonly webhookSecret?: string
  readonly webhooksPerMinute?: number
  /** Denials that one token may have before it has to wait, and that are written down of one principal. */
  readonly denialsPerMinute?: number
  /** How many reads the audit log has. */
  readonly auditedReads?: ReadSampling
  readonly maxWatchers?: number
  readonly maxBodyBytes?: number
  /** How often one may ask. */
  readonly requestLimits?: Partial<RequestLimitSettings>
  /** Origins whose pages may ask, letter by letter; none without it. */
  readonly allowedOrigins?: readonly string[]
  /** Express' `trust proxy`: whose X-Forwarded-For is believed; nobody's without it. */
  readonly trustProxy?: string
}

export interface ReadinessCheck {
  readonly name: string
  readonly ready: boolean
  readonly message?: string
}

export interface ApiServices {
  readonly store: Store
  readonly view: FleetView
  readonly bundles: BundleStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly actions: ApiActions
  readonly metrics: HubMetrics
  /** What people do to Applications by hand; without it, nothing. */
  readonly desk?: OperationDesk
  /** What people hold Applications to; without it, nothing. */
  readonly pins?: PinActs
  /** What people want left alone; without it, nothing. */
  readonly pauses?: PauseActs
  /** Where agents' streams arrive; without it nothing is streamed. */
  readonly uploads?: Uploads
  readonly settings: ApiSettings
  /** Where people come with what they want of gates; without it those routes are not available. */
  readonly gates?: GateDesk
  /** The policy in force; the built-in roles alone, without it. */
  /** Two people for an administrator. */
  readonly adminRights?: AdminRights
  readonly access?: AccessKeeper
  /** How people come in; without it, tokens alone prove who asks. */
  readonly signIn?: SignIn
  /** Projects that are in force; none are known without it. */
  readonly projects?: () => readonly KnownProject[]
  /** What each config source may declare; unknown without it. */
  readonly trustOf?: TrustOf
  /** Who is a cluster of this fleet; without it nothing is decided about it here. */
  readonly admissions?: ClusterAdmissions
  readonly hubKeys?: HubKeyRotation
  /** What the audit log gets of reads and denials; whoever brings it closes it. One by the settings, without it. */
  readonly auditTrail?: AuditTrail
  /** Whether the store may be trusted; it is, without it. */
  readonly recovery?: Recovery
  /** What is heard of a cluster's agent; nothing, without it. */
  readonly clusterFacts?: (row: ClusterRow) => Partial<ClusterFacts>
  /** What `/readyz` asks besides the store. */
  readonly readiness?: () => readonly ReadinessCheck[]
  /** Who is told of what; nobody, without it. */
  readonly notifications?: Notifier
  /** Ends all watches when aborted, so that the server can stop. */
  readonly signal?: AbortSignal
}

export interface Context {
  readonly services: ApiServices
  readonly watchers: Watchers
  readonly now: EpochMs
  readonly requestId: string
  readonly request: Request
  /** What the caller may see: what is listed, counted and told is made of it alone. */
  readonly visible: VisibleSet
  readonly totals: FeedTotals
  /** The body's bytes as they came, for signatures over them. */
  readonly rawBody: Uint8Array
  /**
   * Of a write with an Idempotency-Key: keeps what is answered if nothing else comes to be, in the transaction that
   * begins the work.
   */
  readonly keepAnswer?: KeepAnswer
}

export type KeepAnswer = (writer: StoreWriter, reply: Reply) => Promise<void>

export type Reply =
  | {
      readonly kind: 'json'
      readonly status: number
      readonly body: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'text'
      readonly status: number
      readonly contentType: string
      readonly body: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | {
      /** JSON that is kept written, with its tag. */
      readonly kind: 'written'
      readonly status: 200
      readonly body: Uint8Array
      readonly tag: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'stream'; readonly begin: (response: Response) => void }

export interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  /** `application/json` without it. */
  readonly contentType?: string
}

/** One row of the table: what a route is called, who may call it, what goes in and what comes out. */
export interface Route {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** As OpenAPI writes it: `/api/v1/applications/{name}`. */
  readonly path: string
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly access: Access
  readonly parameters?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  readonly answers: { readonly [status: string]: Answer }
  /** Of `webhook` alone: lets the sender in. @throws Problem `UNAUTHENTICATED` */
  readonly admit?: (context: Context) => void
  /** `?token=` does as well, for programs that can send no header: only one that may read and no more. */
  readonly tokenInQuery?: true
  /** A POST that writes nothing: a question that does not fit into a URL. */
  readonly readsOnly?: true
  /** A read of what is worth knowing who has looked at it: the audit log has each of them. */
  readonly sensitive?: true
  /**
   * The route that reads what this one changes: `If-Match` is compared with the tag that it would answer with now. Not
   * of routes that compare by themselves.
   */
  readonly ifMatch?: string
  /** It compares `If-Match` by itself, with the digest of a list that was shown. */
  readonly ownIfMatch?: true
  /** What it changes has a revision, which `If-Match` may name as well. */
  readonly ifRevision?: true
  /** The answer shows a secret this once: it is not kept for an Idempotency-Key. */
  readonly secretAnswer?: true
  /** What it may answer with, where that is more than `answers` says. */
  readonly streams?: readonly string[]
  /** A body may be larger than those of other routes. */
  readonly maxBodyBytes?: number
  /** Problems besides those that every route of its kind can answer with. */
  readonly problems?: readonly ProblemCode[]
  readonly handle: (input: RouteInput, caller: Caller | undefined, context: Context) => Promise<Reply> | Reply
}

/** What the schemas made of the request. */
export interface RouteInput {
  readonly path: never
  readonly query: never
  readonly body: never
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<string, never>

/** A route whose handler gets what its schemas give; a route with a token gets its caller. */
export function route<
  const A extends Access,
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  spec: Omit<Route, 'handle' | 'access' | 'parameters' | 'query' | 'body'> & {
    readonly access: A
    readonly parameters?: P
    readonly query?: Q
    readonly body?: B
    readonly handle: (
      input: { readonly path: Output<P>; readonly query: Output<Q>; readonly body: Output<B> },
      caller: A extends 'public' | 'webhook' ? Caller | undefined : Caller,
      context: Context,
    ) => Promise<Reply> | Reply
  },
): Route {
  const made = spec as unknown as Route
  const { access, handle, method, query } = made
  if (typeof access === 'string' && access !== 'known') return made
  const isList = typeof access === 'object' && access.of === 'each' && method === 'get'
  return {
    ...made,
    ...(isList && { query: (query ?? z.strictObject({})).extend({ team: teamParameter }) }),
    handle: (input, caller, context) => {
      const { team } = isList ? (input.query as { readonly team?: string }) : {}
      return withAccess(access, caller!, context, team, () => handle(input, caller, context))
    },
  }
}

export function json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return { kind: 'json', status, body, ...(headers !== undefined && { headers }) }
}

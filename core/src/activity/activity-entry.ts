import type { JsonObject } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** What people want to be told of, in the words of the feed. */
export const ACTIVITY_KINDS = [
  'sync.succeeded',
  'sync.failed',
  'prune',
  'heal',
  'removal',
  'commit',
  'freeze',
  'window',
  'override',
  'admission',
  'intervention',
  'confirmation',
  'action',
] as const
export type ActivityKind = (typeof ACTIVITY_KINDS)[number]

/** An Application as an entry names it: enough to ask who may see it, also when it is gone. */
export interface ActivityApplication {
  readonly name: string
  readonly project: string
  readonly cluster: string
}

/** Something that the policy has a word for. */
export interface ActivityObject {
  readonly resource: string
  readonly name: string
  readonly project?: string
}

/** One thing that happened, for people. No planner reads it, and it is kept only so long. */
export interface ActivityNote {
  readonly at: EpochMs
  /** Absent for what is an event and no change: a window that opens soon, a sync that is held up. */
  readonly kind?: ActivityKind
  /** `sync.blocked`, `freeze.started`, `cluster.approve`: what exactly. */
  readonly event: string
  /** `Application/web-eu-1`, `FreezePeriod/year-end`, `Cluster/eu-1`. */
  readonly subject: string
  readonly by: string
  readonly message: string
  /** The Applications it is about; who may see none of them sees none of it. Empty: it is about no Application. */
  readonly applications: readonly ActivityApplication[]
  /** How many more it was about than are named. */
  readonly applicationsCut: number
  /** What it is about beside them: who may see that sees it. */
  readonly about?: ActivityObject
  readonly detail: JsonObject
  /** Notes with one key are one entry: a commit that changes three hundred Applications in several rounds. */
  readonly key?: string
}

export interface ActivityEntry extends ActivityNote {
  /** 1, 2, 3 …: newer is higher; gaps where old ones went. */
  readonly sequence: number
}

/** Named in one entry at most. */
export const MOST_APPLICATIONS = 500

/** One entry of both: when and who stay as first told, what it is about is added up. */
export function mergeActivity(before: ActivityNote, more: ActivityNote): ActivityNote {
  const known = new Map(before.applications.map(each => [each.name, each]))
  let cut = before.applicationsCut + more.applicationsCut
  for (const each of more.applications) {
    if (known.has(each.name) || known.size < MOST_APPLICATIONS) known.set(each.name, each)
    else cut += 1
  }
  return {
    ...before,
    message: more.message,
    applications: [...known.values()],
    applicationsCut: cut,
    detail: { ...before.detail, ...more.detail },
  }
}

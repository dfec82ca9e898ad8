import { seededRandom } from '@flotilla/core/ports/create-random'
import type { ClosedInterval } from '@flotilla/core/protocol/documents'
import type { DeclaredKind } from './declared-fleet.ts'
import { Draw, type Restores } from './draw.ts'
import { type CrashPoint, PORT_CALLS, RARE_CALLS } from './port-calls.ts'

/** What the network does to messages, beside cutting them off. */
export interface Weather {
  readonly lose: number
  readonly double: number
  readonly delay: number
  readonly maxDelayMs: number
  readonly socketsForbidden: boolean
}

/** What a folder comes to hold. */
export interface Content {
  readonly parts: readonly string[]
  readonly replicas?: number
  readonly waves?: boolean
}

/** What a freeze closes, and for whom. */
export type Freeze = Pick<ClosedInterval, 'triggers' | 'blocks' | 'inFlight' | 'selfHeal'>

/** `replaces`: deletes it, and makes one of the same name that is nobody's. */
export type HandEdit = 'edits' | 'deletes' | 'replaces'

/** What can go wrong at a cluster's API server. */
export type ApiFault =
  | { readonly kind: 'slow'; readonly latencyMs: number; readonly forMs: number }
  | { readonly kind: 'away'; readonly forMs: number }
  | { readonly kind: 'fails'; readonly status: number; readonly times: number }
  | { readonly kind: 'drops watches' }
  | { readonly kind: 'forgets its history' }

/** `pick` in [0, 1) chooses among what is there when the deed is done. */
type Picking = { readonly pick: number }
type ForAWhile = { readonly forMs: number }
/** `hub` or the name of a cluster. */
type OfMachine = { readonly of: string }

/** What people do, and what befalls a fleet: each a value by itself, so that any of them can be left out of a run. */
export type Act =
  | {
      readonly kind: 'add'
      readonly folder: DeclaredKind
      readonly cluster: string
      readonly content: Content
      readonly webhook: boolean
    }
  | ({ readonly kind: 'edit'; readonly content: Content; readonly back: boolean; readonly webhook: boolean } & Picking)
  | ({ readonly kind: 'remove'; readonly webhook: boolean } & Picking)
  /** `newest`: what was removed last, at the very time at which its removal is permitted, runs or was reported. */
  | ({
      readonly kind: 'bring back'
      readonly newest: boolean
      readonly content?: Content
      readonly webhook: boolean
    } & Picking)
  | ({ readonly kind: 'break file'; readonly config: boolean; readonly webhook: boolean } & Picking & ForAWhile)
  | ({ readonly kind: 'hand edit'; readonly cluster: string; readonly how: HandEdit } & Picking)
  /** `*` for every cluster, as for the network. */
  | ({ readonly kind: 'freeze'; readonly cluster: string; readonly freeze: Freeze } & ForAWhile)
  | { readonly kind: 'back up' }
  /** The hub's store becomes what it was at the last backup. */
  | ({ readonly kind: 'restore'; readonly announced: boolean } & ForAWhile)
  /** The hub's store is gone, and `hub.key` with it unless it was kept elsewhere. */
  | ({ readonly kind: 'lose hub'; readonly withKey: boolean } & ForAWhile)
  /** `force`: it signs at once, whoever knows it. */
  | { readonly kind: 'rotate hub key'; readonly force: boolean }
  | { readonly kind: 'rotate agent key'; readonly cluster: string }
  | { readonly kind: 'clone'; readonly cluster: string }
  | { readonly kind: 'revoke'; readonly cluster: string }
  | { readonly kind: 'replay'; readonly cluster: string }
  /** Somebody with the key of one cluster's agent tries what is another cluster's. */
  | ({ readonly kind: 'thief'; readonly cluster: string; readonly wants: 'bundle' | 'report' } & Picking)
  | ({ readonly kind: 'network'; readonly cluster: string; readonly weather: Weather } & ForAWhile)
  | ({ readonly kind: 'partition'; readonly cluster: string } & ForAWhile)
  | ({ readonly kind: 'stop'; readonly killed: boolean } & OfMachine & ForAWhile)
  | ({ readonly kind: 'crash'; readonly point: CrashPoint } & OfMachine & ForAWhile)
  | ({ readonly kind: 'clock'; readonly stepMs: number } & OfMachine)
  | { readonly kind: 'api server'; readonly cluster: string; readonly fault: ApiFault }
  | ({ readonly kind: 'git away'; readonly config: boolean } & ForAWhile)
  | ({ readonly kind: 'disk full' } & OfMachine & ForAWhile)

/** Something that is done, and when: milliseconds of virtual time since the schedule began. */
export type Deed = Act & { readonly at: number }

/** A whole life: what happens to a fleet before it is left in peace. Everything else follows from the seed. */
export interface Schedule {
  readonly seed: number
  readonly clusters: readonly string[]
  /** In order of time. */
  readonly deeds: readonly Deed[]
}

export interface ScheduleOptions {
  readonly clusters?: readonly string[]
  /** Folders before anything goes wrong. */
  readonly folders?: number
  /** Besides those folders and the crashes. */
  readonly deeds?: number
  readonly crashes?: number
  /** When the last deed is done, milliseconds; as it is drawn by default. */
  readonly lastAt?: number
}

/** The fleet that the simulation's speed is measured with: 12 clusters, 60 Applications, an hour with its faults. */
export const AN_HOUR_OF_TWELVE: ScheduleOptions = {
  clusters: Array.from({ length: 12 }, (_, index) => `c${String(index + 1).padStart(2, '0')}`),
  folders: 38,
  deeds: 100,
  crashes: 12,
  lastAt: 50 * 60_000,
}

const CLUSTERS = ['eu', 'us', 'ap'] as const
const MINUTE_MS = 60_000
/** Before the first deed the fleet has time to become what its first folders say. */
const PEACE_MS = MINUTE_MS
/** A set lets go one Application at a time; more in one round of the hub is Held by its deletion budget. */
const BETWEEN_REMOVALS_MS = 2 * MINUTE_MS

/** Draws the life of a seed. The same seed and options give the same schedule. */
export function drawSchedule(seed: number, options: ScheduleOptions = {}): Schedule {
  const clusters = options.clusters ?? CLUSTERS
  const draw = new Draw(seededRandom(seed), clusters)
  const deeds: Deed[] = []
  for (let index = 0; index < (options.folders ?? 4); index++) {
    deeds.push({ at: 0, ...draw.add(index % 20 === 2 ? 'shared' : index % 4 === 3 ? 'solo' : 'folder') })
  }
  let at = PEACE_MS
  let removedAt = Number.NEGATIVE_INFINITY
  for (let count = 0; count < (options.deeds ?? 50); count++) {
    const act = draw.act()
    if (act.kind === 'remove' && at - removedAt < BETWEEN_REMOVALS_MS) continue
    deeds.push({ at, ...act })
    if (act.kind === 'remove') {
      removedAt = at
      if (draw.happens(0.3)) deeds.push({ at: at + draw.edgeMs(), ...draw.bringBack(true) })
    }
    at += draw.pauseMs()
  }
  const ends = crashes(seed, draw, at, options.crashes ?? 6)
  deeds.push(...ends, ...keyChangesFor(ends, draw, at))
  deeds.push(...draw.disasters(at, restoresFor(ends)), ...draw.freezeBetweenWaves(at))
  const pace = options.lastAt === undefined ? 1 : options.lastAt / Math.max(...deeds.map(deed => deed.at))
  const timed = deeds.map(deed => ({ ...deed, at: Math.round(deed.at * pace) }))
  return { seed, clusters, deeds: timed.sort((a, b) => a.at - b.at) }
}

/** Every call of every port in turn, whatever the seed's chances are: neighbouring seeds crash at different ones. */
function crashes(seed: number, draw: Draw, until: number, count: number): readonly Deed[] {
  const points = crashTargets()
  return Array.from({ length: count }, (_, index): Deed => {
    const target = points[(seed * count + index) % points.length]
    const rare = target !== undefined && RARE_CALLS.has(target.port)
    const first = draw.happens(0.25) || rare
    const call = first ? draw.upTo(rare ? 2 : 3) : Math.ceil(draw.fraction() ** 3 * 40) || 1
    const point =
      target && (rare || !draw.happens(0.1))
        ? { ...target, call }
        : { port: '*', side: draw.side(), call: draw.upTo(2000) }
    return {
      at: first ? 0 : Math.floor(draw.fraction() * until),
      kind: 'crash',
      of: target?.kind === 'hub' ? 'hub' : draw.cluster(),
      point: { port: point.port, side: point.side, call: point.call },
      forMs: draw.soonMs(),
    }
  })
}

/**
 * What agents say to a hub that lost its memory is only ever said after a backup was restored; and that it does not
 * know them at all, when it is of a time before they joined.
 */
function restoresFor(crashes: readonly Deed[]): Restores {
  const ports = crashes.flatMap(deed => (deed.kind === 'crash' ? [deed.point.port] : []))
  if (ports.includes('hub.return')) return 'to the beginning'
  return ports.includes('hub.proofs') ? 'surely' : 'perhaps'
}

/** Keys change in few lives; in those that are to crash at what is only asked then, surely. */
function keyChangesFor(crashes: readonly Deed[], draw: Draw, until: number): readonly Deed[] {
  return crashes.flatMap((deed): readonly Deed[] => {
    if (deed.kind !== 'crash') return []
    const { port } = deed.point
    const at = port === 'hub.key' || port === 'hub.keys' ? Math.floor(draw.fraction() * until) : 0
    if (port === 'hub.key') return [{ at, kind: 'rotate agent key', cluster: deed.of }]
    return port === 'hub.keys' ? [{ at, kind: 'rotate hub key', force: false }] : []
  })
}

function crashTargets() {
  return Object.entries(PORT_CALLS).flatMap(([kind, ports]) =>
    ports.flatMap(port => (['before', 'after'] as const).map(side => ({ kind, port, side }))),
  )
}

/** One deed as a line: `  3:07.250 hub crashes before the 3rd store.write, for 12 s`. */
export function deedText({ at, kind, ...rest }: Deed): string {
  const said = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${timeText(at)} ${kind} ${said.join(' ')}`
}

/** 754250 → `012:34.250`. */
export function timeText(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS)
  return `${String(minutes).padStart(3, '0')}:${((ms % MINUTE_MS) / 1000).toFixed(3).padStart(6, '0')}`
}

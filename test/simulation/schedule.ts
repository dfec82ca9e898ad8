import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Random } from '@flotilla/core/ports/random'
import type { ClosedInterval } from '@flotilla/core/protocol/documents'
import type { DeclaredKind } from './declared-fleet.ts'
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
  | { readonly kind: 'clone'; readonly cluster: string }
  | { readonly kind: 'revoke'; readonly cluster: string }
  | { readonly kind: 'replay'; readonly cluster: string }
  /** Somebody with the key of one cluster's agent tries what is another cluster's. */
  | ({ readonly kind: 'thief'; readonly cluster: string; readonly wants: 'bundle' | 'report' } & Picking)
  | ({ readonly kind: 'network'; readonly cluster: string; readonly weather: Weather } & ForAWhile)
  | ({ readonly kind: 'partition'; readonly cluster: string } & ForAWhile)
  | ({ readonly kind: 'stop'; readonly killed: boolean } & OfMachine & ForAWhile)
  | ({ readonly kind: 'crash'; readonly point: CrashPoint } & OfMachine & ForAWhile)
  | { readonly kind: 'clock'; readonly cluster: string; readonly stepMs: number }
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
const KINDS = ['folder', 'folder', 'shared', 'solo'] as const
const PARTS = ['blue', 'green', 'red'] as const
const HAND_EDITS = ['edits', 'deletes', 'replaces'] as const
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
/** Before the first deed the fleet has time to become what its first folders say. */
const PEACE_MS = MINUTE_MS
/** A set lets go one Application at a time; more in one round of the hub is Held by its deletion budget. */
const BETWEEN_REMOVALS_MS = 2 * MINUTE_MS
const REMOVAL_GRACE_MS = 10 * MINUTE_MS

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
  deeds.push(...ends, ...draw.disasters(at, restoresFor(ends)), ...draw.freezeBetweenWaves(at))
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

type Restores = 'perhaps' | 'surely' | 'to the beginning'

/**
 * What agents say to a hub that lost its memory is only ever said after a backup was restored; and that it does not
 * know them at all, when it is of a time before they joined.
 */
function restoresFor(crashes: readonly Deed[]): Restores {
  const ports = crashes.flatMap(deed => (deed.kind === 'crash' ? [deed.point.port] : []))
  if (ports.includes('hub.return')) return 'to the beginning'
  return ports.includes('hub.proofs') ? 'surely' : 'perhaps'
}

function crashTargets() {
  return Object.entries(PORT_CALLS).flatMap(([kind, ports]) =>
    ports.flatMap(port => (['before', 'after'] as const).map(side => ({ kind, port, side }))),
  )
}

/** What is drawn, from one Random, in one order. */
class Draw {
  readonly #random: Random
  readonly #clusters: readonly string[]

  constructor(random: Random, clusters: readonly string[]) {
    this.#random = random
    this.#clusters = clusters
  }

  act(): Act {
    const acts: readonly (readonly [weight: number, act: () => Act])[] = [
      [10, () => this.#edit()],
      [5, () => this.add(this.pick(KINDS))],
      [6, () => ({ kind: 'remove', pick: this.fraction(), webhook: this.happens(0.7) })],
      [6, () => this.bringBack(false)],
      [5, () => this.#breakFile()],
      [6, () => this.#network()],
      [4, () => ({ kind: 'partition', cluster: this.cluster(), forMs: this.whileMs() })],
      [6, () => ({ kind: 'stop', of: this.cluster(), killed: this.happens(0.5), forMs: this.soonMs() })],
      [4, () => ({ kind: 'stop', of: 'hub', killed: this.happens(0.5), forMs: this.soonMs() })],
      [3, () => ({ kind: 'clock', cluster: this.cluster(), stepMs: this.#stepMs() })],
      [6, () => ({ kind: 'api server', cluster: this.cluster(), fault: this.#apiFault() })],
      [6, () => ({ kind: 'hand edit', cluster: this.cluster(), how: this.pick(HAND_EDITS), pick: this.fraction() })],
      [5, () => this.#freeze()],
      [3, () => ({ kind: 'replay', cluster: this.cluster() })],
      [
        3,
        () => ({
          kind: 'thief',
          cluster: this.cluster(),
          wants: this.happens(0.7) ? 'bundle' : 'report',
          pick: this.fraction(),
        }),
      ],
      [2, () => ({ kind: 'git away', config: this.happens(0.5), forMs: this.whileMs() })],
      [3, () => ({ kind: 'disk full', of: this.happens(0.5) ? 'hub' : this.cluster(), forMs: this.whileMs() })],
    ]
    let left = this.fraction() * acts.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, act] of acts) {
      left -= weight
      if (left < 0) return act()
    }
    return this.#edit()
  }

  /** What befalls few fleets, and those once: a backup restored (once, or twice), a cluster cloned, an agent revoked. */
  disasters(until: number, restores: Restores): readonly Deed[] {
    const deeds: Deed[] = []
    const sometime = (from = 0): number => Math.floor(from + this.fraction() * (until - from))
    if (this.happens(0.2) || restores !== 'perhaps') {
      const drawn = sometime()
      const at = restores === 'to the beginning' ? 0 : drawn
      deeds.push({ at, kind: 'back up' })
      for (let times = this.happens(0.4) ? 2 : 1; times > 0; times--) {
        deeds.push({ at: sometime(at), kind: 'restore', announced: this.happens(0.7), forMs: this.soonMs() })
      }
    }
    if (this.happens(0.15)) deeds.push({ at: sometime(), kind: 'clone', cluster: this.cluster() })
    if (this.happens(0.15)) deeds.push({ at: sometime(), kind: 'revoke', cluster: this.cluster() })
    return deeds
  }

  /** A change that takes several waves, and a freeze that begins while the first of them becomes ready. */
  freezeBetweenWaves(until: number): readonly Deed[] {
    if (!this.happens(0.4)) return []
    const at = Math.floor(this.fraction() * until)
    const content: Content = { parts: PARTS, replicas: this.upTo(2), waves: true }
    const edit: Act = { kind: 'edit', content, back: false, pick: this.fraction(), webhook: true }
    const freeze: Freeze = {
      triggers: ['automated', 'manual', 'override', 'delete'],
      blocks: ['sync', 'prune', 'heal'],
      inFlight: 'pauseAtWave',
      selfHeal: this.happens(0.5),
    }
    const begins = at + 3 * SECOND_MS + this.upTo(10) * SECOND_MS
    const forMs = (3 + this.upTo(3)) * MINUTE_MS
    return [
      { at, ...edit },
      { at: begins, kind: 'freeze', cluster: '*', freeze, forMs },
    ]
  }

  add(folder: DeclaredKind): Act {
    const cluster = this.cluster()
    return {
      kind: 'add',
      folder,
      cluster: folder === 'shared' ? '*' : cluster,
      content: this.content(),
      webhook: this.happens(0.5),
    }
  }

  bringBack(newest: boolean): Act {
    const content = this.content()
    const same = this.happens(0.5)
    return {
      kind: 'bring back',
      newest,
      pick: this.fraction(),
      webhook: this.happens(0.7),
      ...(same ? {} : { content }),
    }
  }

  content(): Content {
    const parts = PARTS.filter(() => this.happens(0.6))
    const replicas = this.upTo(3)
    const waves = this.happens(0.5)
    return { parts: parts.length > 0 ? parts : [PARTS[0]], ...(this.happens(0.4) && { replicas, waves }) }
  }

  /** How long until the next deed: often at once, now and then long enough for a removal. */
  pauseMs(): number {
    const draw = this.fraction()
    if (draw < 0.3) return Math.floor(draw * 4_000)
    return draw < 0.97 ? Math.floor(draw * 40_000) : 11 * MINUTE_MS
  }

  /** Around the time at which a removal is permitted. */
  edgeMs(): number {
    return REMOVAL_GRACE_MS + Math.floor((this.fraction() - 0.1) * 40_000)
  }

  /** Over soon, at once included. */
  soonMs(): number {
    return this.happens(0.3) ? 0 : Math.floor(this.fraction() ** 2 * 3 * MINUTE_MS)
  }

  whileMs(): number {
    return 5 * SECOND_MS + Math.floor(this.fraction() ** 2 * 10 * MINUTE_MS)
  }

  cluster(): string {
    return this.pick(this.#clusters)
  }

  side(): 'before' | 'after' {
    return this.happens(0.5) ? 'before' : 'after'
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.fraction() * items.length)] as T
  }

  /** 1 to `most`. */
  upTo(most: number): number {
    return 1 + Math.floor(this.fraction() * most)
  }

  happens(chance: number): boolean {
    return this.fraction() < chance
  }

  /** Three digits are enough, and fit on a line. */
  fraction(): number {
    return Math.floor(this.#random.fraction() * 1000) / 1000
  }

  #edit(): Act {
    return {
      kind: 'edit',
      content: this.content(),
      back: this.happens(0.3),
      pick: this.fraction(),
      webhook: this.happens(0.5),
    }
  }

  #breakFile(): Act {
    const [config, webhook] = [this.happens(0.5), this.happens(0.5)]
    return { kind: 'break file', config, webhook, pick: this.fraction(), forMs: this.whileMs() }
  }

  #freeze(): Act {
    const freeze: Freeze = {
      triggers: this.happens(0.8) ? ['automated', 'manual', 'override', 'delete'] : ['automated'],
      blocks: this.happens(0.8) ? ['sync', 'prune', 'heal'] : ['sync', 'prune'],
      inFlight: this.happens(0.3) ? 'finish' : 'pauseAtWave',
      selfHeal: this.happens(0.3),
    }
    return {
      kind: 'freeze',
      cluster: this.cluster(),
      freeze,
      forMs: 2 * MINUTE_MS + Math.floor(this.fraction() * 8 * MINUTE_MS),
    }
  }

  #network(): Act {
    const chance = (most: number): number => (this.happens(0.5) ? this.fraction() * most : 0)
    const weather = {
      lose: chance(0.2),
      double: chance(0.3),
      delay: chance(0.5),
      maxDelayMs: this.upTo(20_000),
      socketsForbidden: this.happens(0.1),
    }
    return { kind: 'network', cluster: this.happens(0.6) ? '*' : this.cluster(), weather, forMs: this.whileMs() }
  }

  #stepMs(): number {
    return (this.happens(0.5) ? 1 : -1) * Math.floor(this.fraction() * 90 * MINUTE_MS)
  }

  #apiFault(): ApiFault {
    const status = this.pick([429, 500, 503, 409, 0])
    const times = this.upTo(6)
    const forMs = this.whileMs()
    return this.pick<ApiFault>([
      { kind: 'slow', latencyMs: this.upTo(800), forMs },
      { kind: 'away', forMs },
      { kind: 'drops watches' },
      { kind: 'forgets its history' },
      { kind: 'fails', status, times },
      { kind: 'fails', status, times },
    ])
  }
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

import type { Random } from '@flotilla/core/ports/random'
import type { DeclaredKind } from './declared-fleet.ts'
import type { Act, ApiFault, Content, Deed, Freeze } from './schedule.ts'

const KINDS = ['folder', 'folder', 'shared', 'solo'] as const
const PARTS = ['blue', 'green', 'red'] as const
const HAND_EDITS = ['edits', 'deletes', 'replaces'] as const
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const REMOVAL_GRACE_MS = 10 * MINUTE_MS

/** Whether a backup is restored in a life, and of when it is. */
export type Restores = 'perhaps' | 'surely' | 'to the beginning'

/** What is drawn, from one Random, in one order. */
export class Draw {
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
      [3, () => ({ kind: 'clock', of: this.cluster(), stepMs: this.#stepMs() })],
      [2, () => ({ kind: 'rotate agent key', cluster: this.cluster() })],
      [2, () => ({ kind: 'rotate hub key', force: this.happens(0.3) })],
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

  /**
   * What befalls few fleets, and those once: a backup restored (once, or twice), the store lost, the hub's clock
   * stepped, a cluster cloned, an agent revoked.
   */
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
    if (this.happens(0.1)) {
      deeds.push({ at: sometime(), kind: 'lose hub', withKey: this.happens(0.6), forMs: this.soonMs() })
    }
    if (this.happens(0.15)) {
      const stepMs = (this.happens(0.5) ? 1 : -1) * this.upTo(20) * MINUTE_MS
      const at = sometime()
      deeds.push({ at, kind: 'clock', of: 'hub', stepMs })
      if (this.happens(0.6)) deeds.push({ at: sometime(at), kind: 'clock', of: 'hub', stepMs: -stepMs })
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
    const forward = this.happens(0.5)
    const byMs = Math.floor(this.fraction() * 90 * MINUTE_MS)
    return forward ? byMs : 0 - byMs
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

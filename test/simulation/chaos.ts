import { APPLICATION_LABEL } from '@flotilla/core/plan/tracking'
import type { Random } from '@flotilla/core/ports/random'
import { APPS, CONFIG, type DeclaredFolder, NAMESPACE } from './declared-fleet.ts'
import type { SimulatedFleet } from './fleet.ts'
import { REMOVAL_GRACE_MS } from './simulated-hub.ts'

const KINDS = ['folder', 'folder', 'shared', 'solo'] as const
const PARTS = ['blue', 'green', 'red'] as const
const MOST_FOLDERS = 7
const MINUTE_MS = 60_000
/** A set lets go one Application at a time; more in one round of the hub is Held by its deletion budget. */
const BETWEEN_REMOVALS_MS = 2 * MINUTE_MS
const SHORT_CONTENT = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":'

/** What may be done to a fleet, each with how often it comes up. */
type Deed = readonly [weight: number, deed: () => Promise<void> | void]

/** Does things to a fleet, drawn from a seed: commits, faults of every port, restarts, kills, hands in the clusters. */
export class Chaos {
  readonly #fleet: SimulatedFleet
  readonly #random: Random
  readonly #broken = new Map<string, readonly [repository: string, path: string]>()
  /** What was removed and may come back, as it was. */
  readonly #removed: DeclaredFolder[] = []
  #lastRemoved: DeclaredFolder | undefined
  #names = 0
  #lastRemovalMs = Number.NEGATIVE_INFINITY
  #version = 0

  constructor(fleet: SimulatedFleet, random: Random) {
    this.#fleet = fleet
    this.#random = random
  }

  /** Folders of every kind, before anything goes wrong. */
  begin(): void {
    for (const kind of KINDS) this.#add(kind)
  }

  /** One deed, at this instant. */
  async act(): Promise<void> {
    const deeds: readonly Deed[] = [
      [10, () => this.#edit()],
      [5, () => this.#add(this.#pick(KINDS) ?? 'folder')],
      [6, () => this.#remove()],
      [6, () => this.#bringBack()],
      [2, () => this.#bringBackAtTheEdge()],
      [3, () => this.#breakFile()],
      [5, () => this.#mendFile()],
      [6, () => this.#network()],
      [4, () => this.#cutOff()],
      [3, () => this.#bounceAgent(false)],
      [3, () => this.#bounceAgent(true)],
      [2, () => this.#bounceHub(false)],
      [2, () => this.#bounceHub(true)],
      [3, () => this.#stepClock()],
      [6, () => this.#clusterFault()],
      [4, () => this.#handEdit()],
      [2, () => this.#gitAway()],
      [3, () => this.#disk()],
    ]
    let draw = this.#random.fraction() * deeds.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, deed] of deeds) {
      draw -= weight
      if (draw < 0) return await deed()
    }
  }

  /** How long until the next deed: often at once, now and then long enough for a removal. */
  pauseMs(): number {
    const draw = this.#random.fraction()
    if (draw < 0.3) return Math.floor(draw * 4_000)
    return draw < 0.97 ? Math.floor(draw * 40_000) : 11 * MINUTE_MS
  }

  /** Every file is whole again. */
  mendAll(): void {
    while (this.#broken.size > 0) this.#mendFile()
  }

  /** What waits for approval is approved, as an operator would who meant it; the list may change until it is heard. */
  async releaseHeld(): Promise<void> {
    const fleet = this.#fleet
    for (let tries = 0; tries < 3; tries++) {
      const plans = await fleet.store.read(reader => reader.deletionPlans())
      const held = plans.filter(({ state }) => state === 'held')
      if (held.length === 0) return
      for (const { id, digest } of held) {
        const decision = { verdict: 'approve', by: 'operator', reason: 'meant', digest } as const
        await fleet.hub?.loop.decideDeletion(id, decision)
      }
      await fleet.run(MINUTE_MS)
    }
  }

  #add(kind: DeclaredFolder['kind']): void {
    if (this.#fleet.declared.folders.length >= MOST_FOLDERS) return
    const cluster = kind === 'shared' ? '*' : this.#cluster()
    const folder = { kind, name: `${kind}-${this.#names++}`, cluster, ...this.#content() }
    this.#fleet.declare(this.#fleet.declared.put(folder), this.#happens(0.5))
  }

  #edit(): void {
    const folder = this.#folder()
    if (!folder) return
    // Sometimes back to what it was: the same digest a second time.
    const content = this.#happens(0.3) ? { version: Math.max(1, folder.version - 1) } : this.#content()
    this.#fleet.declare(this.#fleet.declared.put({ ...folder, ...content }), this.#happens(0.5))
  }

  #remove(): void {
    const fleet = this.#fleet
    const now = fleet.clock.monotonicMs()
    if (now - this.#lastRemovalMs < BETWEEN_REMOVALS_MS || fleet.git.away.size > 0) return
    const folder = this.#pick(fleet.declared.folders.filter(({ kind }) => kind !== 'shared'))
    if (!folder) return
    this.#lastRemovalMs = now
    this.#lastRemoved = folder
    this.#removed.push(folder)
    fleet.declare(fleet.declared.remove(folder.name), this.#happens(0.7))
  }

  /** Comes back at the very time at which its removal is permitted, begins, runs or was just reported. */
  async #bringBackAtTheEdge(): Promise<void> {
    const { clock } = this.#fleet
    const edgeMs = this.#lastRemovalMs + REMOVAL_GRACE_MS + Math.floor((this.#random.fraction() - 0.1) * 40_000)
    const waitMs = edgeMs - clock.monotonicMs()
    if (!this.#lastRemoved || waitMs < 0) return
    await this.#fleet.run(waitMs)
    this.#bringBack(this.#lastRemoved)
  }

  #bringBack(folder = this.#pick(this.#removed)): void {
    if (!folder || this.#fleet.declared.folder(folder.name)) return
    const content = this.#happens(0.5) ? {} : this.#content()
    this.#fleet.declare(this.#fleet.declared.put({ ...folder, ...content }), this.#happens(0.7))
  }

  #breakFile(): void {
    const { declared } = this.#fleet
    const config = this.#happens(0.5)
    const path = config ? this.#pick(Object.keys(declared.base())) : this.#pick(declared.files())
    if (!path) return
    const repository = config ? CONFIG : APPS
    this.#broken.set(`${repository} ${path}`, [repository, path])
    this.#fleet.commit(repository, { [path]: SHORT_CONTENT }, this.#happens(0.5))
  }

  #mendFile(): void {
    const place = this.#pick([...this.#broken.values()])
    if (!place) return
    const [repository, path] = place
    this.#broken.delete(`${repository} ${path}`)
    const { git, declared } = this.#fleet
    const text = declared.text(repository, path)
    // The folder may have been removed meanwhile, and the broken file with it.
    if (text !== undefined && git.supports(repository)) this.#fleet.commit(repository, { [path]: text }, true)
  }

  #network(): void {
    const chance = (most: number): number => (this.#happens(0.5) ? this.#random.fraction() * most : 0)
    const faults = {
      lose: chance(0.2),
      double: chance(0.3),
      delay: chance(0.5),
      maxDelayMs: 1 + Math.floor(this.#random.fraction() * 20_000),
      socketsForbidden: this.#happens(0.1),
    }
    this.#fleet.trace.say('world', `network ${JSON.stringify(faults)}`)
    this.#fleet.setFaults(faults)
  }

  #cutOff(): void {
    const name = this.#cluster()
    this.#fleet.partition(name, !this.#fleet.agent(name).faults.partitioned)
  }

  async #bounceAgent(killed: boolean): Promise<void> {
    const fleet = this.#fleet
    const name = this.#cluster()
    if (!fleet.agent(name).running) return await fleet.startAgent(name)
    if (killed) fleet.killAgent(name)
    else await fleet.stopAgent(name)
    if (this.#happens(0.7)) await fleet.startAgent(name)
  }

  async #bounceHub(killed: boolean): Promise<void> {
    const fleet = this.#fleet
    if (!fleet.hub) return await fleet.startHub()
    if (killed) fleet.killHub()
    else await fleet.stopHub()
    if (this.#happens(0.3)) await fleet.run(Math.floor(this.#random.fraction() * 3 * MINUTE_MS))
    await fleet.startHub()
  }

  #stepClock(): void {
    const sign = this.#happens(0.5) ? 1 : -1
    this.#fleet.stepClock(this.#cluster(), sign * Math.floor(this.#random.fraction() * 90 * MINUTE_MS))
  }

  #clusterFault(): void {
    const name = this.#cluster()
    const { faults } = this.#fleet.agent(name).cluster
    const kinds: readonly (readonly [text: string, () => void])[] = [
      ['answers slowly', () => faults.set({ latencyMs: Math.floor(this.#random.fraction() * 800) })],
      ['answers at once', () => faults.set({ latencyMs: 0 })],
      ['is away', () => faults.set({ partitioned: true })],
      ['is there again', () => faults.set({ partitioned: false })],
      ['drops its watches', () => faults.dropWatches()],
      ['forgets its history', () => faults.compactWatchHistory()],
      ...[429, 500, 503, 409, 0].map(status => {
        const times = 1 + Math.floor(this.#random.fraction() * 6)
        return [`fails ${times} times with ${status}`, () => faults.set({ failNext: [{ status, times }] })] as const
      }),
    ]
    const chosen = this.#pick(kinds)
    this.#fleet.trace.say(name, `API server ${chosen?.[0]}`)
    chosen?.[1]()
  }

  /** Somebody changes or deletes an object of an Application by hand. */
  async #handEdit(): Promise<void> {
    const { cluster, name } = this.#fleet.agent(this.#cluster())
    if (cluster.faults.partitioned) return
    const own = cluster.objects().filter(({ kind, metadata }) => {
      return kind === 'ConfigMap' && metadata.namespace === NAMESPACE && metadata.labels?.[APPLICATION_LABEL]
    })
    const object = this.#pick(own)
    if (!object) return
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/${object.metadata.name}`
    const deleted = this.#happens(0.5)
    this.#fleet.trace.say(name, `somebody ${deleted ? 'deletes' : 'edits'} ${object.metadata.name}`)
    const headers = { 'content-type': 'application/merge-patch+json' }
    const body = JSON.stringify({ data: { version: 'by hand' } })
    const edit = deleted
      ? cluster.handle({ method: 'DELETE', path })
      : cluster.handle({ method: 'PATCH', path: `${path}?fieldManager=hand`, headers, body })
    // It may meet the API server's own faults; then nobody did anything.
    await this.#fleet.wait(
      'a hand',
      edit.catch(() => undefined),
    )
  }

  #gitAway(): void {
    const { git, trace } = this.#fleet
    const url = this.#pick([CONFIG, APPS]) ?? APPS
    const away = !git.away.has(url)
    trace.say('git', `${url} ${away ? 'is away' : 'is back'}`)
    if (away) git.away.add(url)
    else git.away.delete(url)
  }

  #disk(): void {
    const of = this.#happens(0.5) ? 'hub' : this.#cluster()
    this.#fleet.fillDisk(of, !this.#fleet.diskFull(of))
  }

  #content() {
    const parts = PARTS.filter(() => this.#happens(0.6))
    return {
      version: ++this.#version,
      parts: parts.length > 0 ? parts : [PARTS[0]],
      replicas: this.#happens(0.3) ? 1 + Math.floor(this.#random.fraction() * 3) : undefined,
    }
  }

  #folder(): DeclaredFolder | undefined {
    return this.#pick(this.#fleet.declared.folders)
  }

  #cluster(): string {
    return this.#pick(this.#fleet.declared.clusters) ?? ''
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.fraction() * items.length)]
  }

  #happens(chance: number): boolean {
    return this.#random.fraction() < chance
  }
}

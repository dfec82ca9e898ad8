import { APPLICATION_LABEL } from '@flotilla/core/plan/tracking'
import { APPS, CONFIG, type DeclaredFolder, NAMESPACE } from './declared-fleet.ts'
import type { SimulatedFleet } from './fleet.ts'
import type { Act, ApiFault, Content, Deed } from './schedule.ts'

const MOST_FOLDERS = 7
const MINUTE_MS = 60_000
const SHORT_CONTENT = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":'

type ActOf<K extends Act['kind']> = Extract<Act, { readonly kind: K }>

/** Does to a fleet what a schedule says: the people around it, and all that befalls it. */
export class People {
  readonly #fleet: SimulatedFleet
  readonly #mostFolders: number
  readonly #deeds: { readonly [K in Act['kind']]: (act: ActOf<K>) => void } = {
    add: act => this.#add(act),
    edit: act => this.#edit(act),
    remove: act => this.#remove(act),
    'bring back': act => this.#bringBack(act),
    'break file': act => this.#breakFile(act),
    'hand edit': act => this.#handEdit(act),
    freeze: ({ cluster, freeze, forMs }) => {
      for (const name of this.#named(cluster)) this.#fleet.freeze(name, freeze, forMs)
    },
    'back up': () => this.#fleet.backUp(),
    restore: ({ announced, forMs }) => this.#fleet.restore(announced, forMs),
    'lose hub': ({ withKey, forMs }) => this.#fleet.loseHub(withKey, forMs),
    'rotate hub key': ({ force }) => this.#fleet.rotateHubKey(force),
    'rotate agent key': ({ cluster }) => this.#fleet.rotateAgentKey(cluster),
    clone: ({ cluster }) => this.#fleet.clone(cluster),
    revoke: ({ cluster }) => this.#fleet.revoke(cluster),
    replay: ({ cluster }) => this.#fleet.replay(cluster),
    thief: act => this.#fleet.thief(act),
    network: ({ cluster, weather, forMs }) => {
      this.#fleet.weather(this.#named(cluster), weather, forMs)
    },
    partition: ({ cluster, forMs }) => this.#fleet.partition(cluster, forMs),
    stop: ({ of, killed, forMs }) => this.#fleet.down(of, killed, forMs),
    crash: ({ of, point, forMs }) => this.#fleet.crash(of, point, forMs),
    clock: ({ of, stepMs }) => this.#fleet.stepClock(of, stepMs),
    'api server': ({ cluster, fault }) => this.#apiFault(cluster, fault),
    'git away': ({ config, forMs }) => this.#fleet.gitAway(config ? CONFIG : APPS, forMs),
    'disk full': ({ of, forMs }) => this.#fleet.fillDisk(of, forMs),
  }
  readonly #broken = new Map<string, readonly [repository: string, path: string]>()
  /** What was removed and may come back, as it was. */
  readonly #removed: DeclaredFolder[] = []
  #names = 0
  #version = 0

  constructor(fleet: SimulatedFleet, mostFolders = MOST_FOLDERS) {
    this.#fleet = fleet
    this.#mostFolders = mostFolders
  }

  /** One deed, at this instant. What lasts for a while ends by itself. */
  do(deed: Deed): void {
    const deeds = this.#deeds as Readonly<Record<Act['kind'], (act: Act) => void>>
    deeds[deed.kind](deed)
  }

  /** Every file is whole again. */
  mendAll(): void {
    for (const key of [...this.#broken.keys()]) this.#mendFile(key)
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

  #add({ folder: kind, cluster, content, webhook }: ActOf<'add'>): void {
    if (this.#fleet.declared.folders.length >= this.#mostFolders) return
    const folder = { kind, name: `${kind}-${this.#names++}`, cluster, ...this.#next(content) }
    this.#fleet.declare(this.#fleet.declared.put(folder), webhook)
  }

  #edit({ pick, content, back, webhook }: ActOf<'edit'>): void {
    const folder = picked(this.#fleet.declared.folders, pick)
    if (!folder) return
    // Sometimes back to what it was: the same digest a second time.
    const changed = back ? { version: Math.max(1, folder.version - 1) } : this.#next(content)
    this.#fleet.declare(this.#fleet.declared.put({ ...folder, ...changed }), webhook)
  }

  #remove({ pick, webhook }: ActOf<'remove'>): void {
    const fleet = this.#fleet
    if (fleet.git.away.size > 0) return
    const folder = picked(
      fleet.declared.folders.filter(({ kind }) => kind !== 'shared'),
      pick,
    )
    if (!folder) return
    this.#removed.push(folder)
    fleet.declare(fleet.declared.remove(folder.name), webhook)
  }

  #bringBack({ pick, newest, content, webhook }: ActOf<'bring back'>): void {
    const folder = newest ? this.#removed.at(-1) : picked(this.#removed, pick)
    if (!folder || this.#fleet.declared.folder(folder.name)) return
    const back = { ...folder, ...(content && this.#next(content)) }
    this.#fleet.declare(this.#fleet.declared.put(back), webhook)
  }

  #breakFile({ config, pick, webhook, forMs }: ActOf<'break file'>): void {
    const { declared } = this.#fleet
    const path = picked(config ? Object.keys(declared.base()) : declared.files(), pick)
    if (!path) return
    const repository = config ? CONFIG : APPS
    const key = `${repository} ${path}`
    this.#broken.set(key, [repository, path])
    this.#fleet.commit(repository, { [path]: SHORT_CONTENT }, webhook)
    this.#fleet.later(forMs, () => this.#mendFile(key))
  }

  #mendFile(key: string): void {
    const [repository, path] = this.#broken.get(key) ?? []
    if (!repository || !path) return
    this.#broken.delete(key)
    const { git, declared } = this.#fleet
    const text = declared.text(repository, path)
    // The folder may have been removed meanwhile, and the broken file with it.
    if (text !== undefined && git.supports(repository)) this.#fleet.commit(repository, { [path]: text }, true)
  }

  /** Somebody changes, deletes or replaces an object of an Application by hand. */
  #handEdit({ cluster: name, pick, how }: ActOf<'hand edit'>): void {
    const { cluster } = this.#fleet.agent(name)
    if (cluster.faults.partitioned) return
    const own = cluster.objects().filter(({ kind, metadata }) => {
      return kind === 'ConfigMap' && metadata.namespace === NAMESPACE && metadata.labels?.[APPLICATION_LABEL]
    })
    const object = picked(own, pick)
    if (!object) return
    this.#fleet.trace.say(name, `somebody ${how} ${object.metadata.name}`)
    const data = { version: 'by hand' }
    const place = `/api/v1/namespaces/${NAMESPACE}/configmaps`
    const path = `${place}/${object.metadata.name}`
    const patched = { 'content-type': 'application/merge-patch+json' }
    const edit = async (): Promise<void> => {
      if (how === 'edits') {
        const body = JSON.stringify({ data })
        await cluster.handle({ method: 'PATCH', path: `${path}?fieldManager=hand`, headers: patched, body })
        return
      }
      await cluster.handle({ method: 'DELETE', path })
      if (how === 'deletes') return
      const metadata = { name: object.metadata.name, namespace: NAMESPACE }
      const made = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
      const headers = { 'content-type': 'application/json' }
      await cluster.handle({ method: 'POST', path: `${place}?fieldManager=hand`, headers, body: made })
    }
    // It may meet the API server's own faults; then nobody did anything.
    edit().catch(() => undefined)
  }

  #apiFault(name: string, fault: ApiFault): void {
    const { faults } = this.#fleet.agent(name).cluster
    this.#fleet.trace.say(name, `API server ${JSON.stringify(fault)}`)
    switch (fault.kind) {
      case 'slow':
        faults.set({ latencyMs: fault.latencyMs })
        this.#fleet.later(fault.forMs, () => faults.set({ latencyMs: 0 }))
        break
      case 'away':
        faults.set({ partitioned: true })
        this.#fleet.later(fault.forMs, () => faults.set({ partitioned: false }))
        break
      case 'drops watches':
        faults.dropWatches()
        break
      case 'forgets its history':
        faults.compactWatchHistory()
        break
      case 'fails':
        faults.set({ failNext: [{ status: fault.status, times: fault.times }] })
    }
  }

  #named(cluster: string): readonly string[] {
    return cluster === '*' ? this.#fleet.declared.clusters : [cluster]
  }

  #next({ parts, replicas, waves }: Content) {
    return { version: ++this.#version, parts, replicas, waves }
  }
}

function picked<T>(items: readonly T[], pick: number): T | undefined {
  return items[Math.floor(pick * items.length)]
}

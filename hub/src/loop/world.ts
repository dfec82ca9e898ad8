import { equalJson, type Json } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ProjectSpec } from '@flotilla/core/model/fleet'
import type { ApplicationRow, ClusterRow, StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { Gates } from '../gates/gates.ts'
import { BoundedMemo } from '../source/bounded-memo.ts'
import { AdoptedIds } from './adopt-ids.ts'
import { Adoptions } from './adoptions.ts'
import { EMPTY_FLEET, type FleetIndex, indexFleet } from './fleet-index.ts'
import { GrantPace } from './grant-pace.ts'
import { Heads } from './heads.ts'
import { PathReaders } from './path-readers.ts'

/** Objects whose kinds are remembered; what is in use and not among them is read again. */
const MOST_KINDS = 500_000

/** A document or set element that wants an Application of some name. */
export interface Claim {
  /** `set/<key>` or `document/<key>`: who claims. */
  readonly claimant: string
  readonly application: Application
}

export interface GroupKind {
  readonly group: string
  readonly kind: string
  /** Whether the object names a namespace; what it says about scope is for the cluster to confirm. */
  readonly namespaced: boolean
  readonly namespace: string
  readonly name: string
}

/**
 * What the loop knows in memory: the declared fleet, the Applications as stored, and who reads what. Everything in it
 * can be made again from the store and the repositories; it is here so that a change costs what it changes.
 */
export class World {
  fleet: FleetIndex = indexFleet(EMPTY_FLEET, [])
  /** Projects that left their source while Applications may still name them (decision 19). */
  readonly projectsLastSeen = new Map<string, ProjectSpec>()
  readonly readers = new PathReaders()
  readonly heads = new Heads()
  /** Kinds inside Bundles by digest, so that the Project is checked without reading the Bundle again. */
  readonly kinds = new BoundedMemo<readonly GroupKind[]>(MOST_KINDS, kinds => kinds.length + 1)

  readonly gates: Gates
  readonly pace = new GrantPace()
  /** Ids under which agents hold Applications that the store has forgotten. */
  readonly adopted = new AdoptedIds()
  /** What people said of taking over objects of other tools. */
  readonly adoptions = new Adoptions()
  /** Whether every set has been expanded from fresh inputs since the start. */
  everySetFresh: () => boolean = () => false
  /** Withdrawn Applications: since when, of monotonic time, it has been certain that nobody wants them. */
  readonly absences = new Map<string, { readonly changedAt: EpochMs; readonly sinceMs: number }>()

  readonly #rows = new Map<string, ApplicationRow>()
  readonly #idByName = new Map<string, string>()
  readonly #indexes = {
    cluster: new Map<string, Set<string>>(),
    set: new Map<string, Set<string>>(),
    project: new Map<string, Set<string>>(),
    /** Orphaned rows by the name that they had. */
    orphan: new Map<string, Set<string>>(),
  }
  readonly #clusters = new Map<string, ClusterRow>()
  readonly #clusterNames = new Map<string, string>()
  /** Claims that lost their name to another, by claimant and name, with what they are told. */
  readonly refusals = new Map<string, Map<string, Diagnostic>>()
  readonly #claims = new Map<string, Claim[]>()
  readonly #claimsBy = new Map<string, ReadonlyMap<string, Claim>>()
  /** The lists as they were handed in: most looks at a set end in the very list of the look before. */
  readonly #claimed = new Map<string, readonly Application[]>()

  constructor(gates: Gates = new Gates()) {
    this.gates = gates
  }

  async load(rows: StoreReader): Promise<void> {
    for (const row of await rows.applications()) this.putApplication(row)
    for (const row of await rows.clusters()) this.putCluster(row)
    await this.adopted.restore(rows, this.clusters())
    await this.adoptions.load(rows)
  }

  application(id: string): ApplicationRow | undefined {
    return this.#rows.get(id)
  }

  applicationNamed(name: string): ApplicationRow | undefined {
    const id = this.#idByName.get(name)
    return id === undefined ? undefined : this.#rows.get(id)
  }

  applications(): Iterable<ApplicationRow> {
    return this.#rows.values()
  }

  get applicationCount(): number {
    return this.#rows.size
  }

  idsOf(index: 'cluster' | 'set' | 'project', name: string): readonly string[] {
    return [...(this.#indexes[index].get(name) ?? [])]
  }

  /** What an Application of that name left on a cluster when its destination changed. */
  orphanOf(name: string, clusterName: string): ApplicationRow | undefined {
    for (const id of this.#indexes.orphan.get(name) ?? []) {
      const row = this.#rows.get(id)
      if (row?.clusterName === clusterName) return row
    }
    return undefined
  }

  /** An orphaned row gives its name up: the Application of that name lives elsewhere now. */
  putApplication(row: ApplicationRow): void {
    this.removeApplication(row.id)
    this.#rows.set(row.id, row)
    const active = this.applicationNamed(row.name)?.state === 'active'
    if (row.state === 'active' || (row.state === 'withdrawn' && !active)) this.#idByName.set(row.name, row.id)
    for (const [index, name] of indexedNames(row)) {
      const ids = this.#indexes[index].get(name)
      if (ids) ids.add(row.id)
      else this.#indexes[index].set(name, new Set([row.id]))
    }
  }

  removeApplication(id: string): void {
    const row = this.#rows.get(id)
    if (!row) return
    this.#rows.delete(id)
    if (this.#idByName.get(row.name) === id) this.#idByName.delete(row.name)
    for (const [index, name] of indexedNames(row)) {
      const ids = this.#indexes[index].get(name)
      ids?.delete(id)
      if (ids?.size === 0) this.#indexes[index].delete(name)
    }
  }

  cluster(name: string): ClusterRow | undefined {
    return this.#clusters.get(name)
  }

  clusterById(id: string): ClusterRow | undefined {
    const cluster = this.#clusters.get(this.#clusterNames.get(id) ?? '')
    return cluster?.id === id ? cluster : undefined
  }

  clusters(): Iterable<ClusterRow> {
    return this.#clusters.values()
  }

  putCluster(row: ClusterRow): void {
    this.#clusters.set(row.name, row)
    this.#clusterNames.set(row.id, row.name)
  }

  /** Who wants that name, in no particular order. */
  claimsOn(name: string): readonly Claim[] {
    return this.#claims.get(name) ?? []
  }

  claimsOf(claimant: string): ReadonlyMap<string, Claim> {
    return this.#claimsBy.get(claimant) ?? new Map()
  }

  /** Replaces what a claimant wants; returns the names whose claims are now different. */
  setClaims(claimant: string, applications: readonly Application[]): readonly string[] {
    if (this.#claimed.get(claimant) === applications) return []
    if (applications.length > 0) this.#claimed.set(claimant, applications)
    else this.#claimed.delete(claimant)
    const before = this.claimsOf(claimant)
    const after = new Map<string, Claim>()
    const changed: string[] = []
    for (const application of applications) {
      const { name } = application.metadata
      if (after.has(name)) continue
      const known = before.get(name)
      if (known?.application === application) {
        after.set(name, known)
        continue
      }
      const claim = { claimant, application }
      after.set(name, claim)
      this.#replaceClaim(name, known, claim)
      if (known === undefined || !sameApplication(known.application, application)) changed.push(name)
    }
    for (const [name, claim] of before) {
      if (after.has(name)) continue
      this.#replaceClaim(name, claim, undefined)
      changed.push(name)
    }
    if (after.size > 0) this.#claimsBy.set(claimant, after)
    else this.#claimsBy.delete(claimant)
    return changed
  }

  #replaceClaim(name: string, old: Claim | undefined, claim: Claim | undefined): void {
    const others = this.claimsOn(name).filter(each => each !== old)
    if (claim !== undefined) others.push(claim)
    if (others.length > 0) this.#claims.set(name, others)
    else this.#claims.delete(name)
  }
}

/**
 * Whether they are declared alike, from the same place. Which element of its generator made it does not count: one more
 * folder moves the numbers of all that come after it.
 */
function sameApplication(a: Application, b: Application): boolean {
  if (a.metadata === b.metadata && a.spec === b.spec && samePlace(a, b)) return true
  const content = ({ provenance: { element: _, ...provenance }, ...rest }: Application) => ({ ...rest, provenance })
  return equalJson(content(a) as unknown as Json, content(b) as unknown as Json)
}

function samePlace({ provenance: a }: Application, { provenance: b }: Application): boolean {
  return (
    a.params === b.params &&
    a.file === b.file &&
    a.line === b.line &&
    a.column === b.column &&
    a.set === b.set &&
    a.generator === b.generator &&
    a.source === b.source
  )
}

function indexedNames(row: ApplicationRow): readonly (readonly ['cluster' | 'set' | 'project' | 'orphan', string])[] {
  return [
    ...(row.state === 'orphaned' ? ([['orphan', row.name]] as const) : []),
    ['cluster', row.clusterName],
    ['project', row.project],
    ...(row.set === undefined ? [] : ([['set', `${row.source}/${row.set}`]] as const)),
  ]
}

/** The Application document that a row was made from. */
export function applicationOf(row: ApplicationRow): Application {
  return { ...row.document, provenance: row.provenance } as unknown as Application
}

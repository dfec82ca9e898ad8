import { type AccessReading, accessOfFleet } from '@flotilla/config/access/read-access'
import type { AccessSettings } from '@flotilla/core/access/policy'
import { DEFAULT_SCOPES } from '@flotilla/core/access/principal'
import { type HeldRight, withoutUnlistedAdmins } from '@flotilla/core/access/unlisted-admins'
import { canonicalJson, type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Declared, Fleet, ProjectSpec } from '@flotilla/core/model/fleet'
import type { Store, StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Agreement, approvedOf, readAgreements } from './agreements.ts'
import { NO_POLICY, PolicyInForce } from './policy-in-force.ts'
import { type Asker, Rights } from './rights.ts'

const SETTING = 'access-policy-version'

/** What the hub's own settings say beside the documents: their rows come first, and stay whatever documents say. */
export type OwnPolicy = Pick<AccessSettings, 'rows' | 'defaultRole'> & {
  /** Whom documents may make administrators, and nobody else; absent: whom they like. */
  readonly admins?: readonly string[]
  /** Others are made administrators by documents when two people have agreed to it here. */
  readonly twoPersons?: boolean
}

/**
 * Keeps the policy in force: compiled beside the one before when a document of it changed, and put in its place at
 * once. Which documents are in force is the loader's to say: broken ones keep their last good version (decision 21).
 */
export class AccessKeeper {
  #inForce: PolicyInForce
  #documents: readonly unknown[] = []
  #content: Digest | undefined
  #number = 0
  #held: readonly HeldRight[] = []
  #agreed: readonly HeldRight[] = []
  #approved: ReadonlySet<string> = new Set()
  #last: { readonly fleet: Fleet; readonly lastSeen: ReadonlyMap<string, ProjectSpec> } | undefined
  readonly #own: OwnPolicy
  readonly #listeners = new Set<() => void>()

  constructor(own: OwnPolicy = { rows: [] }) {
    this.#own = own
    this.#inForce = new PolicyInForce(withOwn(NO_POLICY, own), 'policy-0')
  }

  get now(): PolicyInForce {
    return this.#inForce
  }

  /** What documents would give to whom `admins` does not list; it is not in force. */
  get held(): readonly HeldRight[] {
    return this.#held
  }

  /** What documents give to whom `admins` does not list, because two people have agreed to it. */
  get agreed(): readonly HeldRight[] {
    return this.#agreed
  }

  /** Whether two people may agree here on what `admins` does not list. */
  get twoPersons(): boolean {
    return this.#own.twoPersons === true
  }

  rightsOf(asker: Asker, now: EpochMs): Rights {
    return new Rights(this.#inForce, asker, now)
  }

  /** Called after each new policy; it may fail nothing. @returns How to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The number of the version that was in force before a restart. */
  async restore(rows: StoreReader): Promise<void> {
    if (this.twoPersons) this.#approved = approvedOf(await readAgreements(rows))
    const stored = await rows.setting(SETTING)
    if (stored === undefined) return
    this.#number = Number(stored['number'])
    this.#content = String(stored['content']) as Digest
  }

  /**
   * Takes what a fleet declares. Nothing happens when it declares what it did.
   *
   * @throws StoreError when the number of the version could not be kept; then nothing has changed.
   */
  async take(fleet: Fleet, lastSeen: ReadonlyMap<string, ProjectSpec>, store?: Store): Promise<void> {
    this.#last = { fleet, lastSeen }
    const declared: readonly Declared<unknown>[] = [
      ...(fleet.accessPolicies ?? []),
      ...(fleet.teams ?? []),
      ...fleet.projects,
    ]
    const documents = [...declared, ...lastSeen.values()]
    if (this.#inForce.version !== 'policy-0' && sameList(documents, this.#documents)) return
    const content = sha256(canonicalJson(contentOf(declared, lastSeen, this.#own, this.#approved)))
    const number = content === this.#content ? this.#number : this.#number + 1
    if (content !== this.#content) await store?.write(rows => rows.putSetting(SETTING, { number, content }))
    // Another one was taken meanwhile: that one counts.
    if (this.#last.fleet !== fleet) return
    const { reading, held, agreed } = withoutUnlisted(accessOfFleet(fleet, lastSeen), this.#own, this.#approved)
    this.#held = held
    this.#agreed = agreed
    this.put(withOwn(reading, this.#own), number)
    this.#documents = documents
    this.#content = content
  }

  /**
   * Takes what people have agreed on by now: at once, with a version of its own.
   *
   * @throws StoreError
   */
  async takeAgreements(agreements: readonly Agreement[], store: Store): Promise<void> {
    this.#approved = approvedOf(agreements)
    this.#documents = []
    if (this.#last !== undefined) await this.take(this.#last.fleet, this.#last.lastSeen, store)
  }

  /** Puts a policy in force as it is. */
  put(reading: Pick<AccessReading, 'settings' | 'scopes'>, number = this.#number + 1): void {
    this.#number = number
    this.#inForce = new PolicyInForce(reading, `policy-${number}`)
    for (const listener of this.#listeners) listener()
  }
}

function withOwn(
  { settings, scopes }: Pick<AccessReading, 'settings' | 'scopes'>,
  own: OwnPolicy,
): Pick<AccessReading, 'settings' | 'scopes'> {
  const defaultRole = settings.defaultRole || own.defaultRole
  const rows = [...own.rows, ...settings.rows]
  return { settings: { ...settings, rows, ...(defaultRole !== undefined && { defaultRole }) }, scopes }
}

function withoutUnlisted(
  reading: Pick<AccessReading, 'settings' | 'scopes'>,
  { rows, admins, twoPersons = false }: OwnPolicy,
  approved: ReadonlySet<string>,
): {
  readonly reading: typeof reading
  readonly held: readonly HeldRight[]
  readonly agreed: readonly HeldRight[]
} {
  if (admins === undefined && !twoPersons) return { reading, held: [], agreed: [] }
  const { settings, held, agreed } = withoutUnlistedAdmins(reading.settings, rows, admins ?? [], approved)
  // Documents that chose the claim that holds groups could put somebody into a group that is listed.
  return { reading: { settings, scopes: DEFAULT_SCOPES }, held, agreed }
}

/** What decides: of Projects the roles alone, or every new destination would be a new policy. */
function contentOf(
  declared: readonly Declared<unknown>[],
  lastSeen: ReadonlyMap<string, ProjectSpec>,
  own: OwnPolicy,
  approved: ReadonlySet<string>,
): Json {
  const rolesOf = (spec: unknown): Json => ((spec as ProjectSpec)['roles'] ?? null) as Json
  return [
    own.rows.map(({ text }) => text),
    own.defaultRole ?? '',
    ...(own.admins === undefined ? [] : [['admins', ...own.admins]]),
    ...(own.twoPersons === true ? [['agreed', ...[...approved].sort()]] : []),
    ...declared.map(({ kind, name, contentDigest, spec }): Json => {
      return kind === 'Project' ? [kind, name, rolesOf(spec)] : [kind, name, contentDigest]
    }),
    ...[...lastSeen].map(([name, spec]): Json => ['last seen', name, rolesOf(spec)]),
  ]
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index])
}

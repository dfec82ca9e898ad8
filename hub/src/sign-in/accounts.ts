import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Identity } from '@flotilla/core/ports/store'
import { addressKey } from '../limits/address-key.ts'
import { FailureLimiter } from '../limits/failure-limiter.ts'
import { DEFAULT_COST, isPassword, type PasswordHash, readPasswordHash, type ScryptCost } from './password-hash.ts'

/** Somebody that hub.yaml names. */
export interface ConfiguredAccount {
  readonly name: string
  /** `$scrypt$…`; without it nobody can sign in by password. */
  readonly passwordHash?: string
  readonly enabled: boolean
  /** `login`: may sign in; `apiKey`: may have tokens. */
  readonly capabilities: readonly ('login' | 'apiKey')[]
}

export interface AccountSettings {
  /** Off: no account counts, whatever the list says. */
  readonly enabled: boolean
  readonly accounts: readonly ConfiguredAccount[]
  /** Failures in the window after which a name has to wait; 5 in 300 seconds without it. */
  readonly failures?: number
  readonly failureWindowMs?: number
}

export type PasswordAnswer =
  | { readonly kind: 'proved'; readonly account: ConfiguredAccount }
  /** Unknown, switched off, without a password, or another password: nothing tells which. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'wait'; readonly waitMs: number }

/** Failures of one address, whatever names it tries. */
const FAILURES_OF_ADDRESS = 50
/** Passwords looked at at the same time, each at the cost of its memory; others wait in line. */
const MOST_AT_ONCE = 2
const MOST_WAITING = 64

/** The local accounts: who they are, and whether a password is theirs. */
export class Accounts {
  readonly #settings: AccountSettings
  readonly #byName: ReadonlyMap<string, ConfiguredAccount>
  readonly #names: FailureLimiter
  readonly #addresses: FailureLimiter
  readonly #nobody: PasswordHash
  #atWork = 0
  readonly #waiting: (() => void)[] = []

  constructor(settings: AccountSettings, clock: Clock) {
    this.#settings = settings
    this.#byName = new Map(settings.accounts.map(account => [account.name, account]))
    const windowMs = settings.failureWindowMs ?? 300_000
    this.#names = new FailureLimiter(clock, settings.failures ?? 5, windowMs)
    this.#addresses = new FailureLimiter(clock, FAILURES_OF_ADDRESS, windowMs)
    this.#nobody = { cost: dearestOf(settings.accounts), salt: Buffer.alloc(16), hash: Buffer.alloc(32) }
  }

  /** Whether anybody can sign in with a password here. */
  get canLogin(): boolean {
    return this.#settings.enabled && this.#settings.accounts.some(canLogin)
  }

  /** An account that counts now. */
  find(name: string): ConfiguredAccount | undefined {
    const account = this.#settings.enabled ? this.#byName.get(name) : undefined
    return account?.enabled === true ? account : undefined
  }

  /** Whether hub.yaml names an account so, also one that does not count: nobody else may be called so. */
  names(name: string): boolean {
    return name === 'admin' || this.#byName.has(name)
  }

  identityOf({ name, passwordHash }: ConfiguredAccount): Identity & { readonly kind: 'account' } {
    return { kind: 'account', account: name, ...(passwordHash !== undefined && { password: digestOf(passwordHash) }) }
  }

  /** The account behind what was made earlier; undefined when it is no more, switched off, or has another password. */
  standing(identity: Identity & { readonly kind: 'account' }): ConfiguredAccount | undefined {
    const account = this.find(identity.account)
    if (account === undefined) return undefined
    return this.identityOf(account).password === identity.password ? account : undefined
  }

  /**
   * Whether that is the account's password. It takes the same time whoever is asked about, and the same count of
   * failures makes any name wait, also one that nobody has.
   */
  async check(name: string, password: string, address: string): Promise<PasswordAnswer> {
    const waitMs = Math.max(this.#names.begin(name), this.#addresses.begin(addressKey(address)))
    if (waitMs > 0) return { kind: 'wait', waitMs }
    if (this.#waiting.length >= MOST_WAITING) return { kind: 'wait', waitMs: 1_000 }
    const account = this.find(name)
    const usable = account !== undefined && canLogin(account) ? account : undefined
    const kept = usable?.passwordHash === undefined ? undefined : readPasswordHash(usable.passwordHash)
    const equal = await this.#inLine(() => isPassword(password, kept ?? this.#nobody))
    if (!equal || kept === undefined || usable === undefined) return { kind: 'refused' }
    this.#names.succeeded(name)
    this.#addresses.succeeded(addressKey(address))
    return { kind: 'proved', account: usable }
  }

  async #inLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atWork >= MOST_AT_ONCE) await new Promise<void>(turn => this.#waiting.push(turn))
    else this.#atWork++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#atWork--
      else next()
    }
  }
}

function canLogin({ enabled, capabilities, passwordHash }: ConfiguredAccount): boolean {
  return enabled && capabilities.includes('login') && passwordHash !== undefined
}

/** The cost of an unknown name is that of the dearest known one. */
function dearestOf(accounts: readonly ConfiguredAccount[]): ScryptCost {
  const costs = accounts.flatMap(({ passwordHash }) => {
    const read = passwordHash === undefined ? undefined : readPasswordHash(passwordHash)
    return read === undefined ? [] : [read.cost]
  })
  const work = ({ ln, r, p }: ScryptCost): number => 2 ** ln * r * p
  return costs.toSorted((a, b) => work(b) - work(a))[0] ?? DEFAULT_COST
}

function digestOf(passwordHash: string): Digest {
  return sha256(passwordHash)
}

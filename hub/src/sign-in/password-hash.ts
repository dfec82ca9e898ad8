import { scrypt, timingSafeEqual } from 'node:crypto'
import type { Random } from '@flotilla/core/ports/random'

/** A password as it stands in hub.yaml: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, base64 without padding. */
export interface PasswordHash {
  readonly cost: ScryptCost
  readonly salt: Buffer
  readonly hash: Buffer
}

export interface ScryptCost {
  /** Base-2 logarithm of the iterations. */
  readonly ln: number
  readonly r: number
  readonly p: number
}

export const DEFAULT_COST: ScryptCost = { ln: 15, r: 8, p: 1 }
/** What is longer is nobody's password; hashing it would be work for an attacker's sake. */
export const MOST_PASSWORD_BYTES = 1024

const HASH_BYTES = 32
const SALT_BYTES = 16
/** Memory that one check may take. */
const MOST_MEMORY = 256 * 1024 * 1024
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** @returns undefined for what is no such text, or costs less than is safe or more than is sensible. */
export function readPasswordHash(text: string): PasswordHash | undefined {
  const parts = FORM.exec(text)
  if (parts === null) return undefined
  const [ln, r, p] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  if (ln < 14 || ln > 20 || r < 1 || p < 1 || p > 4 || memoryOf({ ln, r, p }) > MOST_MEMORY) return undefined
  return { cost: { ln, r, p }, salt: Buffer.from(parts[4]!, 'base64'), hash: Buffer.from(parts[5]!, 'base64') }
}

/** @throws RangeError for a password that is empty or longer than {@link MOST_PASSWORD_BYTES}. */
export async function hashPassword(password: string, random: Random, cost: ScryptCost = DEFAULT_COST): Promise<string> {
  const bytes = Buffer.byteLength(password.normalize('NFC'))
  if (bytes === 0 || bytes > MOST_PASSWORD_BYTES)
    throw new RangeError(`a password has 1 to ${MOST_PASSWORD_BYTES} bytes`)
  const salt = Buffer.from(random.bytes(SALT_BYTES))
  const hash = await derive(password, salt, HASH_BYTES, cost)
  const base64 = (part: Buffer): string => part.toString('base64').replace(/=+$/, '')
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`
}

/** Whether that is the password: compared in constant time. */
export async function isPassword(password: string, { cost, salt, hash }: PasswordHash): Promise<boolean> {
  if (Buffer.byteLength(password) > MOST_PASSWORD_BYTES) return false
  return timingSafeEqual(await derive(password, salt, hash.length, cost), hash)
}

function derive(password: string, salt: Buffer, bytes: number, cost: ScryptCost): Promise<Buffer> {
  const options = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: memoryOf(cost) + 1024 * 1024 }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, bytes, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

function memoryOf({ ln, r, p }: ScryptCost): number {
  return 128 * r * (2 ** ln + p)
}

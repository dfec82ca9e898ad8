import { Buffer } from 'node:buffer'
import { checkPrimeSync, createECDH, createPrivateKey, type KeyObject } from 'node:crypto'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { COSTS } from './costs.ts'
import { bitString, bytesOfInteger, der, integer, objectIdentifier, octetString, sequence } from './der.ts'
import { decodePem } from './pem.ts'
import { chanceBytes } from './surroundings.ts'

const PUBLIC_EXPONENT = 65_537n
const P256 = '1.2.840.10045.3.1.7'
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A key from bytes of chance that the shell gives, so that the same bytes make the same key. */
export function generateRsaKey(bits: 2048 | 4096, scope: FunctionScope): KeyObject {
  scope.spend(bits === 2048 ? COSTS.rsa2048 : COSTS.rsa4096)
  for (;;) {
    const p = randomPrime(bits / 2, scope)
    const q = randomPrime(bits / 2, scope)
    const modulus = p * q
    if (p === q || modulus.toString(2).length !== bits) continue
    const d = inverse(PUBLIC_EXPONENT, (p - 1n) * (q - 1n))
    const numbers = [0n, modulus, PUBLIC_EXPONENT, d, p, q, d % (p - 1n), d % (q - 1n), inverse(q, p)]
    return createPrivateKey({ key: sequence(...numbers.map(integer)), format: 'der', type: 'pkcs1' })
  }
}

export function generateEcKey(scope: FunctionScope): KeyObject {
  scope.spend(COSTS.curve)
  let secret = 0n
  while (secret === 0n || secret >= P256_ORDER) secret = integerFrom(chanceBytes(32, scope))
  const bytes = bytesOfInteger(secret, 32)
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(bytes)
  const key = sequence(
    integer(1n),
    octetString(bytes),
    der(0xa0, objectIdentifier(P256)),
    der(0xa1, bitString(curve.getPublicKey())),
  )
  return createPrivateKey({ key, format: 'der', type: 'sec1' })
}

export function generateEd25519Key(scope: FunctionScope): KeyObject {
  scope.spend(COSTS.curve)
  const secret = octetString(chanceBytes(32, scope))
  const key = sequence(integer(0n), sequence(objectIdentifier('1.3.101.112')), octetString(secret))
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

/** As Go writes keys: each kind in the form that is its own. */
export function keyText(key: KeyObject): string {
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8'
  return key.export({ format: 'pem', type }).toString()
}

/** @throws GoFunctionError for a text that holds no private key. */
export function parsePrivateKey(text: string): KeyObject {
  const block = decodePem(text)
  if (block === undefined) throw new GoFunctionError('no PEM data in input')
  if (block.type === 'PRIVATE KEY') return readKey(block.bytes, 'pkcs8', 'decoding PEM as PKCS#8')
  if (!block.type.endsWith(' PRIVATE KEY')) {
    throw new GoFunctionError(`no private key data in PEM block of type ${block.type}`)
  }
  const kind = block.type.slice(0, -' PRIVATE KEY'.length)
  if (kind === 'RSA') return readKey(block.bytes, 'pkcs1', 'parsing RSA private key from PEM')
  if (kind === 'EC') return readKey(block.bytes, 'sec1', 'parsing EC private key from PEM')
  throw new GoFunctionError(kind === 'DSA' ? 'DSA keys are not supported' : `invalid private key type ${block.type}`)
}

function readKey(key: Buffer, type: 'pkcs8' | 'pkcs1' | 'sec1', words: string): KeyObject {
  let read: KeyObject
  try {
    read = createPrivateKey({ key, format: 'der', type })
  } catch (error) {
    throw new GoFunctionError(`${words}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (['rsa', 'ec', 'ed25519'].includes(read.asymmetricKeyType ?? '')) return read
  throw new GoFunctionError(`${words}: a key of type ${read.asymmetricKeyType} is not supported`)
}

function integerFrom(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

const SMALL_PRIMES = smallPrimes(5000)

function smallPrimes(limit: number): readonly number[] {
  const primes: number[] = []
  for (let candidate = 3; candidate < limit; candidate += 2) {
    if (primes.every(prime => candidate % prime !== 0)) primes.push(candidate)
  }
  return primes
}

/** Odd numbers looked at after a random one before another is drawn. */
const WINDOW = 4096

/** With its two highest bits set, so that the product of two has all its bits. */
function randomPrime(bits: number, scope: FunctionScope): bigint {
  for (;;) {
    const top = 3n << BigInt(bits - 2)
    const start = BigInt.asUintN(bits, integerFrom(chanceBytes(bits / 8, scope))) | top | 1n
    const rests = SMALL_PRIMES.map(prime => Number(start % BigInt(prime)))
    for (let step = 0; step < WINDOW; step += 2) {
      if (SMALL_PRIMES.some((prime, index) => (rests[index]! + step) % prime === 0)) continue
      const candidate = start + BigInt(step)
      if (candidate.toString(2).length !== bits || (candidate - 1n) % PUBLIC_EXPONENT === 0n) continue
      if (checkPrimeSync(candidate)) return candidate
    }
  }
}

/** The number that gives 1 with `value`, counted in circles of `modulus`. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [value % modulus, modulus]
  let [x, y] = [1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b] = [b, a - quotient * b]
    ;[x, y] = [y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}

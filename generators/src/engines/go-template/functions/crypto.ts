import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, createHash, createHmac, scryptSync } from 'node:crypto'
import { encodeBase64 as encodeBcryptSalt, hashSync } from 'bcryptjs'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { decodeBase64 } from './base-encoding.ts'
import { COSTS } from './costs.ts'
import { countArgument, define, type FunctionGroup, textArgument } from './define.ts'
import { byteLength, bytesOf, textOfBytes } from './go-bytes.ts'
import { PASSWORD_CHARACTERS, PASSWORD_TEMPLATES } from './password-templates.ts'
import { spendText } from './strings.ts'
import { chanceBytes } from './surroundings.ts'

/** Sums, passwords and secrets; keys and certificates are in `certificates.ts`. */
export const CRYPTO: FunctionGroup = {
  sha1sum: hash('sha1'),
  sha256sum: hash('sha256'),
  sha512sum: hash('sha512'),
  adler32sum: define('string', ([text], scope) => adler32(bytesOf(spendText(textArgument(text), scope))).toString()),
  bcrypt: define('string', ([password], scope) => bcrypt(textArgument(password), scope), { repeatable: false }),
  htpasswd: define(
    'string string',
    ([user, password], scope) => {
      const name = textArgument(user)
      if (name.includes(':')) return `invalid username: ${name}`
      return `${name}:${bcrypt(textArgument(password), scope)}`
    },
    { repeatable: false },
  ),
  derivePassword: define('int string string string string', ([counter, type, password, user, site], scope) =>
    derivePassword(
      countArgument(counter),
      textArgument(type),
      { password: textArgument(password), user: textArgument(user), site: textArgument(site) },
      scope,
    ),
  ),
  encryptAES: define(
    'string string',
    ([password, text], scope) => encrypt(textArgument(password), textArgument(text), scope),
    { repeatable: false },
  ),
  decryptAES: define('string string', ([password, text], scope) =>
    decrypt(textArgument(password), textArgument(text), scope),
  ),
}

function hash(algorithm: string) {
  return define('string', ([text], scope) =>
    createHash(algorithm)
      .update(spendText(textArgument(text), scope), 'utf8')
      .digest('hex'),
  )
}

const ADLER_MODULUS = 65_521

function adler32(bytes: Uint8Array): number {
  let low = 1
  let high = 0
  for (const byte of bytes) {
    low = (low + byte) % ADLER_MODULUS
    high = (high + low) % ADLER_MODULUS
  }
  return high * 65_536 + low
}

const BCRYPT_ROUNDS = 10
const LONGEST_BCRYPT_PASSWORD = 72

function bcrypt(password: string, scope: FunctionScope): string {
  if (byteLength(password) > LONGEST_BCRYPT_PASSWORD) {
    return 'failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes'
  }
  scope.spend(COSTS.bcrypt)
  const salt = encodeBcryptSalt([...chanceBytes(16, scope)], 16)
  return hashSync(password, `$2a$${BCRYPT_ROUNDS}$${salt}`)
}

const MASTER_PASSWORD_SEED = 'com.lyndir.masterpassword'

/** The algorithm of Master Password: the same inputs give the same password on every machine. */
function derivePassword(
  counter: number,
  type: string,
  { password, user, site }: { readonly password: string; readonly user: string; readonly site: string },
  scope: FunctionScope,
): string {
  const templates = PASSWORD_TEMPLATES.get(type)
  if (templates === undefined) return `cannot find password template ${type}`
  scope.spend(COSTS.scrypt)
  const salt = Buffer.concat([bytesOf(MASTER_PASSWORD_SEED), uint32(byteLength(user)), bytesOf(user)])
  const key = scryptSync(bytesOf(password), salt, 64, { N: 32_768, r: 8, p: 2, maxmem: 128 * 1024 * 1024 })
  const message = Buffer.concat([
    bytesOf(MASTER_PASSWORD_SEED),
    uint32(byteLength(site)),
    bytesOf(site),
    uint32(counter),
  ])
  const seed = createHmac('sha256', key).update(message).digest()
  const template = templates[seed[0]! % templates.length]!
  return [...template]
    .map((kind, index) => {
      const characters = PASSWORD_CHARACTERS.get(kind)!
      return characters[seed[index + 1]! % characters.length]
    })
    .join('')
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

const AES_BLOCK = 16

/** The password itself is the key: cut to 32 bytes, or filled with zeros. */
function aesKey(password: string): Buffer {
  const key = Buffer.alloc(32)
  bytesOf(password).copy(key)
  return key
}

function encrypt(password: string, text: string, scope: FunctionScope): string {
  if (text === '') return ''
  scope.spend(2 * text.length)
  const start = Buffer.from(chanceBytes(AES_BLOCK, scope))
  const cipher = createCipheriv('aes-256-cbc', aesKey(password), start)
  return Buffer.concat([start, cipher.update(text, 'utf8'), cipher.final()]).toString('base64')
}

function decrypt(password: string, text: string, scope: FunctionScope): string {
  if (text === '') return ''
  scope.spend(text.length)
  const sealed = decodeBase64(text)
  if (typeof sealed === 'string') throw new GoFunctionError(sealed)
  if (sealed.length < AES_BLOCK) {
    throw new GoFunctionError(
      `runtime error: slice bounds out of range [:16] with capacity ${3 * Math.floor(text.length / 4)}`,
    )
  }
  if (sealed.length % AES_BLOCK !== 0) throw new GoFunctionError('crypto/cipher: input not full blocks')
  const decipher = createDecipheriv('aes-256-cbc', aesKey(password), sealed.subarray(0, AES_BLOCK))
  decipher.setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(sealed.subarray(AES_BLOCK)), decipher.final()])
  if (plain.length === 0) throw new GoFunctionError('runtime error: index out of range [-1]')
  const end = plain.length - plain.at(-1)!
  if (end < 0) throw new GoFunctionError(`runtime error: slice bounds out of range [:${end}]`)
  return textOfBytes(plain.subarray(0, end))
}

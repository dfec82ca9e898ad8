import { createHash } from 'node:crypto'
import type { Json } from './json.ts'

/**
 * The number of the byte format below. It travels beside every digest: a new format without a difference in meaning
 * must not look like a new Bundle.
 */
export const CANONICAL_FORMAT = 1

/**
 * Writes JSON as the one canonical text: keys sorted by UTF-16 code unit, no white space, integers verbatim however
 * large, `undefined` members left out. Equal values give equal bytes whatever order they were built in.
 *
 * @throws TypeError for NaN and the infinities, which JSON cannot say.
 *
 * @example
 * canonicalJson({ b: 1, a: [12345678901234567890n] }) // => '{"a":[12345678901234567890],"b":1}'
 */
export function canonicalJson(value: Json): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'bigint':
      return value.toString()
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
      return JSON.stringify(value)
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson((item ?? null) as Json)).join(',')}]`
  const object = value as { readonly [key: string]: Json | undefined }
  const members: string[] = []
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`)
  }
  return `{${members.join(',')}}`
}

/** `sha256:` followed by 64 hexadecimal digits. */
export type Digest = `sha256:${string}`

export function sha256(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

import { Buffer } from 'node:buffer'
import { bytesOf } from './go-bytes.ts'

const PADDING = 0x3d
const BASE64_DIGIT = /[A-Za-z0-9+/]/
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The bytes, or Go's message: base64 comes in whole groups of four with their padding; line ends do not count. */
export function decodeBase64(text: string): Buffer | string {
  const problem = problemOfBase64(bytesOf(text))
  if (problem !== undefined) return `illegal base64 data at input byte ${problem}`
  return Buffer.from(text.replace(/[\r\n]/g, ''), 'base64')
}

/** Where Go's decoder stops. */
function problemOfBase64(bytes: Uint8Array): number | undefined {
  let filled = 0
  for (let at = 0; at < bytes.length; at++) {
    if (isLineEnd(bytes[at]!)) continue
    if (BASE64_DIGIT.test(String.fromCharCode(bytes[at]!))) filled = (filled + 1) % 4
    else return bytes[at] === PADDING && filled >= 2 ? problemOfPadding(bytes, at, filled) : at
  }
  return filled === 0 ? undefined : bytes.length - filled
}

function problemOfPadding(bytes: Uint8Array, first: number, filled: number): number | undefined {
  let at = afterLineEnds(bytes, first + 1)
  if (filled === 2) {
    if (at === bytes.length) return at
    if (bytes[at] !== PADDING) return at - 1
    at = afterLineEnds(bytes, at + 1)
  }
  return at < bytes.length ? at : undefined
}

function afterLineEnds(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && isLineEnd(bytes[at]!)) at++
  return at
}

function isLineEnd(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d
}

export function encodeBase32(bytes: Uint8Array): string {
  let result = ''
  for (let at = 0; at < bytes.length; at += 5) {
    const group = bytes.subarray(at, at + 5)
    const digits = Math.ceil((group.length * 8) / 5)
    const bits = Array.from({ length: 5 }, (_, index) => (group[index] ?? 0).toString(2).padStart(8, '0')).join('')
    for (let index = 0; index < 8; index++) {
      result += index < digits ? BASE32[Number.parseInt(bits.slice(5 * index, 5 * index + 5), 2)] : '='
    }
  }
  return result
}

/** The bytes, or Go's message. */
export function decodeBase32(text: string): Buffer | string {
  const bytes = bytesOf(text).filter(byte => !isLineEnd(byte))
  const output: number[] = []
  for (let at = 0; at < bytes.length; at += 8) {
    const group = base32Group(bytes, at)
    if (typeof group === 'number') return `illegal base32 data at input byte ${group}`
    const bits = group.digits.map(digit => digit.toString(2).padStart(5, '0')).join('')
    for (let bit = 0; bit + 8 <= bits.length; bit += 8) output.push(Number.parseInt(bits.slice(bit, bit + 8), 2))
    if (group.last) break
  }
  return Buffer.from(output)
}

/** The digits of one group of eight, or where Go's decoder stops. */
function base32Group(bytes: Uint8Array, start: number): { readonly digits: number[]; readonly last: boolean } | number {
  const digits: number[] = []
  while (digits.length < 8) {
    const at = start + digits.length
    if (at >= bytes.length) return bytes.length - digits.length
    const left = bytes.length - at - 1
    if (bytes[at] === PADDING && digits.length >= 2 && left < 8) {
      const problem = problemOfBase32Padding(bytes, at, digits.length)
      return problem ?? { digits, last: true }
    }
    const digit = BASE32.indexOf(String.fromCharCode(bytes[at]!))
    if (digit < 0) return at
    digits.push(digit)
  }
  return { digits, last: false }
}

function problemOfBase32Padding(bytes: Uint8Array, at: number, filled: number): number | undefined {
  const left = bytes.length - at - 1
  if (left + filled < 7) return bytes.length
  for (let index = 0; index < 7 - filled; index++) {
    if (index < left && bytes[at + 1 + index] !== PADDING) return at + index
  }
  return filled === 3 || filled === 6 ? at : undefined
}

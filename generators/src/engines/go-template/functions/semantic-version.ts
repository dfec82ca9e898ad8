import { compareUtf8 } from '../../../go-text.ts'
import { GoFunctionError } from '../go-function.ts'

export interface SemanticVersion {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  /** Empty for a release. */
  readonly prerelease: string
  readonly metadata: string
  readonly original: string
}

const VERSION =
  /^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/
const MAX_SEGMENT = 2n ** 64n

/** Reads `1.2.3-rc.1+build`, also `v1` and `1.2`. @throws GoFunctionError for what is none. */
export function parseVersion(text: string): SemanticVersion {
  const match = text.includes('\n') ? null : VERSION.exec(text)
  if (match === null) throw new GoFunctionError('Invalid Semantic Version')
  const [, major, minor, patch, prerelease = '', metadata = ''] = match
  checkPrerelease(prerelease)
  return {
    major: segment(major!),
    minor: segment(minor?.slice(1) ?? '0'),
    patch: segment(patch?.slice(1) ?? '0'),
    prerelease,
    metadata,
    original: text,
  }
}

/** @throws GoFunctionError for a number that begins with 0, and for characters that no version has. */
export function checkPrerelease(text: string): void {
  for (const part of text.split('.')) {
    if (/^0[0-9]+$/.test(part)) throw new GoFunctionError('Version segment starts with 0')
    if (!/^[0-9A-Za-z-]*$/.test(part)) throw new GoFunctionError('Invalid Prerelease string')
  }
}

/** @throws GoFunctionError for characters that no version has. */
export function checkMetadata(text: string): void {
  if (!/^[0-9A-Za-z.-]*$/.test(text)) throw new GoFunctionError('Invalid Metadata string')
}

function segment(digits: string): bigint {
  const value = digits.length > 400 ? MAX_SEGMENT : BigInt(digits)
  if (value < MAX_SEGMENT) return value
  throw new GoFunctionError(`Error parsing version segment: strconv.ParseUint: parsing "${digits}": value out of range`)
}

export function versionText({ major, minor, patch, prerelease, metadata }: SemanticVersion): string {
  return `${major}.${minor}.${patch}${prerelease && `-${prerelease}`}${metadata && `+${metadata}`}`
}

/** Below 0, 0 or above; metadata does not count. */
export function compareVersions(a: SemanticVersion, b: SemanticVersion): number {
  const segments = compareBig(a.major, b.major) || compareBig(a.minor, b.minor) || compareBig(a.patch, b.patch)
  if (segments !== 0) return segments
  if (a.prerelease === '' || b.prerelease === '') {
    return a.prerelease === b.prerelease ? 0 : a.prerelease === '' ? 1 : -1
  }
  return comparePrereleases(a.prerelease, b.prerelease)
}

export function comparePrereleases(a: string, b: string): number {
  const left = a.split('.')
  const right = b.split('.')
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareParts(left[index] ?? '', right[index] ?? '')
    if (order !== 0) return order
  }
  return 0
}

/** Fewer parts come first, then numbers by value, then texts by their bytes. */
function compareParts(a: string, b: string): number {
  if (a === b) return 0
  if (a === '' || b === '') return a === '' ? -1 : 1
  const left = partNumber(a)
  const right = partNumber(b)
  if (left === undefined && right === undefined) return compareUtf8(a, b) > 0 ? 1 : -1
  if (left === undefined || right === undefined) return left === undefined ? 1 : -1
  return left > right ? 1 : -1
}

function partNumber(part: string): bigint | undefined {
  if (!/^[0-9]+$/.test(part) || part.length > 400) return undefined
  const value = BigInt(part)
  return value < MAX_SEGMENT ? value : undefined
}

function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

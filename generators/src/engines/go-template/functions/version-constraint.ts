import { GoFunctionError } from '../go-function.ts'
import { comparePrereleases, compareVersions, parseVersion, type SemanticVersion } from './semantic-version.ts'

const SEGMENT = '[0-9|xX*]+'
const EXTRA = String.raw`[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*`
const VERSION = String.raw`v?(?:${SEGMENT})(?:\.${SEGMENT})?(?:\.${SEGMENT})?(?:-${EXTRA})?(?:\+${EXTRA})?`
const VERSION_PARTS = String.raw`v?(${SEGMENT})(\.${SEGMENT})?(\.${SEGMENT})?(-${EXTRA})?(?:\+${EXTRA})?`
const OPERATOR = String.raw`=||!=|>|<|>=|=>|<=|=<|~|~>|\^`
const SPACE = String.raw`[\t\n\f\r ]`

const ONE = new RegExp(`^${SPACE}*(${OPERATOR})${SPACE}*(${VERSION_PARTS})${SPACE}*$`)
const RANGE = new RegExp(`${SPACE}*(${VERSION})${SPACE}+-${SPACE}+(${VERSION})${SPACE}*`, 'g')
const EACH = new RegExp(`(?:${OPERATOR})${SPACE}*(?:${VERSION})`, 'g')
const START = new RegExp(`^${SPACE}*(?:${OPERATOR})${SPACE}*${VERSION}${SPACE}*`)

interface Constraint {
  readonly operator: string
  readonly version: SemanticVersion
  /** Which parts were left open: `1`, `1.x`, `1.2`. */
  readonly dirty: boolean
  readonly minorDirty: boolean
  readonly patchDirty: boolean
}

/** Any of these, each a list that must all hold: `>=1.2, <2 || ~3`. */
export type Constraints = readonly (readonly Constraint[])[]

/** @throws GoFunctionError `improper constraint`. */
export function parseConstraints(text: string): Constraints {
  return rewriteRanges(text)
    .split('||')
    .map(alternative => {
      if (!isValid(alternative)) throw new GoFunctionError(`improper constraint: ${alternative}`)
      return (alternative.match(EACH) ?? [alternative]).map(parseConstraint)
    })
}

export function satisfies(version: SemanticVersion, constraints: Constraints): boolean {
  return constraints.some(all => all.every(constraint => holds(version, constraint)))
}

function rewriteRanges(text: string): string {
  return text.replaceAll(RANGE, (_whole, from: string, to: string) => `>= ${from}, <= ${to} `)
}

/**
 * One constraint, then more after white space or a comma. By steps, not by one expression with nested repetition:
 * that takes a power of the text's length.
 */
function isValid(text: string): boolean {
  let rest = text
  for (;;) {
    const match = START.exec(rest)
    if (match === null) return false
    const end = match[0].length
    if (end === rest.length) return true
    const separated = rest[end] === ',' || /[\t\n\f\r ]$/.test(match[0])
    if (!separated) return false
    rest = rest.slice(rest[end] === ',' ? end + 1 : end)
  }
}

function parseConstraint(text: string): Constraint {
  const match = ONE.exec(text)
  if (match === null) throw new GoFunctionError(`improper constraint: ${text}`)
  const [, operator = '', whole = '', major = '', minor = '', patch = '', prerelease = ''] = match
  if (isOpen(major)) return constraint(operator, `0.0.0${prerelease}`, true, false, false)
  if (isOpen(minor)) return constraint(operator, `${major}.0.0${prerelease}`, true, true, false)
  if (isOpen(patch)) return constraint(operator, `${major}${minor}.0${prerelease}`, true, false, true)
  return constraint(operator, whole, false, false, false)
}

function isOpen(part: string): boolean {
  return part === '' || /^\.?[xX*]$/.test(part)
}

function constraint(
  operator: string,
  text: string,
  dirty: boolean,
  minorDirty: boolean,
  patchDirty: boolean,
): Constraint {
  let version: SemanticVersion
  try {
    version = parseVersion(text)
  } catch (error) {
    if (error instanceof GoFunctionError) throw new GoFunctionError('constraint Parser Error')
    throw error
  }
  return { operator, version, dirty, minorDirty, patchDirty }
}

function holds(version: SemanticVersion, constraint: Constraint): boolean {
  if (constraint.operator === '!=') return differs(version, constraint)
  // Whoever does not name a pre-release does not want one.
  if (version.prerelease !== '' && constraint.version.prerelease === '') return false
  switch (constraint.operator) {
    case '>':
      return isGreater(version, constraint)
    case '<':
      return compareVersions(version, constraint.version) < 0
    case '>=':
    case '=>':
      return compareVersions(version, constraint.version) >= 0
    case '<=':
    case '=<':
      return isAtMost(version, constraint)
    case '~':
    case '~>':
      return isNear(version, constraint)
    case '^':
      return isCompatible(version, constraint)
    default:
      return constraint.dirty ? isNear(version, constraint) : compareVersions(version, constraint.version) === 0
  }
}

function differs(version: SemanticVersion, { version: named, dirty, minorDirty, patchDirty }: Constraint): boolean {
  if (!dirty) return compareVersions(version, named) !== 0
  if (version.prerelease !== '' && named.prerelease === '') return false
  if (named.major !== version.major) return true
  if (named.minor !== version.minor && !minorDirty) return true
  if (minorDirty) return false
  if (named.patch !== version.patch && !patchDirty) return true
  if (!patchDirty) return compareVersions(version, named) !== 0
  return version.prerelease !== '' || named.prerelease !== ''
    ? comparePrereleases(version.prerelease, named.prerelease) !== 0
    : false
}

function isGreater(version: SemanticVersion, { version: named, dirty, minorDirty, patchDirty }: Constraint): boolean {
  if (!dirty || version.major !== named.major) return dirtyGreater(version, named, dirty)
  if (minorDirty) return false
  if (patchDirty) return version.minor > named.minor
  return compareVersions(version, named) > 0
}

function dirtyGreater(version: SemanticVersion, named: SemanticVersion, dirty: boolean): boolean {
  return dirty ? version.major > named.major : compareVersions(version, named) > 0
}

function isAtMost(version: SemanticVersion, { version: named, dirty, minorDirty }: Constraint): boolean {
  if (!dirty) return compareVersions(version, named) <= 0
  if (version.major > named.major) return false
  return !(version.major === named.major && version.minor > named.minor && !minorDirty)
}

/** `~1.2.3` is `>=1.2.3, <1.3`; `~1` is `>=1, <2`. */
function isNear(version: SemanticVersion, { version: named, minorDirty, patchDirty }: Constraint): boolean {
  if (compareVersions(version, named) < 0) return false
  const zero = named.major === 0n && named.minor === 0n && named.patch === 0n
  if (zero && !minorDirty && !patchDirty) return true
  return version.major === named.major && (version.minor === named.minor || minorDirty)
}

/** `^1.2.3` is `>=1.2.3, <2`; below 1 the first part that is not zero must stay. */
function isCompatible(version: SemanticVersion, { version: named, minorDirty, patchDirty }: Constraint): boolean {
  if (compareVersions(version, named) < 0) return false
  if (named.major > 0n || minorDirty) return version.major === named.major
  if (version.major > 0n) return false
  if (named.minor > 0n || patchDirty) return version.minor === named.minor
  if (version.minor > 0n) return false
  return named.patch === version.patch
}

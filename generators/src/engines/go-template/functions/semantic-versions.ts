import type { FunctionScope, GoFunction } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger, GoStruct, type GoValue, goTypeOf } from '../go-value.ts'
import { define, type FunctionGroup, textArgument } from './define.ts'
import {
  checkMetadata,
  checkPrerelease,
  compareVersions,
  parseVersion,
  type SemanticVersion,
  versionText,
} from './semantic-version.ts'
import { parseConstraints, satisfies } from './version-constraint.ts'

/** Versions by the rules of semver.org, read generously: `v1` and `1.2` are versions. */
export const SEMANTIC_VERSIONS: FunctionGroup = {
  semver: define('string', ([text], scope) => {
    spendVersion(text, scope)
    return versionValue(parseVersion(textArgument(text)))
  }),
  semverCompare: define('string string', ([constraint, version], scope) => {
    spendVersion(constraint, scope)
    spendVersion(version, scope)
    const constraints = parseConstraints(textArgument(constraint))
    return satisfies(parseVersion(textArgument(version)), constraints)
  }),
}

const LONGEST_VERSION = 10_000

function spendVersion(text: GoValue, scope: FunctionScope): void {
  const { length } = textArgument(text)
  scope.spend(length)
  if (length > LONGEST_VERSION) throw new GoFunctionError(`a version of ${length} characters`)
}

const versions = new WeakMap<GoStruct, SemanticVersion>()
const VERSION_TYPE = '*semver.Version'
/** What Go has on the version itself; the rest is only on a pointer to one, as `semver` gives it. */
const VALUE_METHODS = new Set(
  'Major Minor Patch Prerelease Metadata String IncMajor IncMinor IncPatch SetPrerelease SetMetadata'.split(' '),
)

/** A version as templates use it: `.Major`, `.Compare other`. */
function versionValue(version: SemanticVersion): GoStruct {
  const segment = (value: bigint) => define('', () => new GoInteger(value, 'uint64'))
  const text = (value: string) => define('', () => value)
  const against = (look: (order: number) => GoValue) =>
    define('version', ([other]) => look(compareVersions(version, versionArgument(other))))
  const next = (change: Partial<SemanticVersion>) =>
    define('', () => changed(version, { prerelease: '', metadata: '', ...change }))
  const methods: ReadonlyMap<string, GoFunction> = new Map([
    ['Major', segment(version.major)],
    ['Minor', segment(version.minor)],
    ['Patch', segment(version.patch)],
    ['Prerelease', text(version.prerelease)],
    ['Metadata', text(version.metadata)],
    ['Original', text(version.original)],
    ['String', text(versionText(version))],
    ['Compare', against(order => new GoInteger(order, 'int'))],
    ['Equal', against(order => order === 0)],
    ['LessThan', against(order => order < 0)],
    ['LessThanEqual', against(order => order <= 0)],
    ['GreaterThan', against(order => order > 0)],
    ['GreaterThanEqual', against(order => order >= 0)],
    ['IncMajor', next({ major: BigInt.asUintN(64, version.major + 1n), minor: 0n, patch: 0n })],
    ['IncMinor', next({ minor: BigInt.asUintN(64, version.minor + 1n), patch: 0n })],
    ['IncPatch', next({ patch: version.prerelease === '' ? BigInt.asUintN(64, version.patch + 1n) : version.patch })],
    [
      'SetPrerelease',
      define('string', ([part]) => {
        checkPrerelease(textArgument(part))
        return changed(version, { prerelease: textArgument(part) })
      }),
    ],
    [
      'SetMetadata',
      define('string', ([part]) => {
        checkMetadata(textArgument(part))
        return changed(version, { metadata: textArgument(part) })
      }),
    ],
  ])
  const value = new GoStruct(VERSION_TYPE, {}, methods, versionText(version))
  versions.set(value, version)
  return value
}

/** The `v` before a version stays before its successor. */
function changed(before: SemanticVersion, change: Partial<SemanticVersion>): GoStruct {
  const version = { ...before, ...change }
  const original = `${before.original.startsWith('v') ? 'v' : ''}${versionText(version)}`
  const { methods, text } = versionValue({ ...version, original })
  return new GoStruct('semver.Version', {}, new Map([...methods].filter(([name]) => VALUE_METHODS.has(name))), text)
}

function versionArgument(value: GoValue): SemanticVersion {
  const version = value instanceof GoStruct ? versions.get(value) : undefined
  if (version !== undefined) return version
  throw new GoFunctionError(`wrong type for value; expected ${VERSION_TYPE}; got ${goTypeOf(value)}`)
}

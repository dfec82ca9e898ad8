import { compileDoublestar, type FilePattern } from './globs/doublestar.ts'
import { compilePathMatch } from './globs/path-match.ts'
import { compilePathspec } from './globs/pathspec.ts'
import type { GitFilesRequest, PathRule } from './inputs.ts'

/** A longer pattern is refused: people write some dozen characters. */
export const MAX_PATTERN_LENGTH = 4096

/** Decides which directories of a tree answer a request, and which trees must be read to find them. */
export interface PathMatcher {
  /** Whether anything inside `directory` (`''` is the root) can match; may say yes in vain, never no. */
  mayContain(directory: string): boolean
  /** `path` is relative to the root, its parts parted by '/'. */
  matches(path: string): boolean
}

/**
 * Directories of a git generator (applicationsets.md 9.3.1): at least one rule takes them and no exclude rule does. Patterns
 * are Go's `path.Match` on the whole path; a malformed one is left out, as in Argo CD ({@link malformedRules} names
 * it). The root and whatever is in a directory whose name begins with a dot never match.
 */
export function directoryMatcher(rules: readonly PathRule[]): PathMatcher {
  const compile = (exclude: boolean) =>
    rules.filter(rule => rule.exclude === exclude).flatMap(rule => compiled(rule, compilePathMatch) ?? [])
  const includes = compile(false)
  const excludes = compile(true)
  return {
    mayContain: directory => !isHidden(directory) && includes.some(pattern => pattern.mayContain(directory)),
    matches: path =>
      path !== '' &&
      !isHidden(path) &&
      includes.some(pattern => pattern.matches(path)) &&
      !excludes.some(pattern => pattern.matches(path)),
  }
}

/** Files of a git generator (applicationsets.md 9.3.2): taken by at least one rule and by no exclude rule, in any order. */
export function fileMatcher(rules: readonly PathRule[], dialect: GitFilesRequest['dialect']): PathMatcher {
  const compilePattern = dialect === 'pathspec' ? compilePathspec : compileDoublestar
  const compile = (exclude: boolean): FilePattern[] =>
    rules.filter(rule => rule.exclude === exclude).flatMap(rule => compiled(rule, compilePattern) ?? [])
  const includes = compile(false)
  const excludes = compile(true)
  return {
    mayContain: directory => includes.some(pattern => pattern.mayContain(directory)),
    matches: path =>
      includes.some(pattern => pattern.matches(path)) && !excludes.some(pattern => pattern.matches(path)),
  }
}

/** Indexes of the rules that no path can be compared with. */
export function malformedRules(
  rules: readonly PathRule[],
  dialect: 'directories' | GitFilesRequest['dialect'],
): readonly number[] {
  const compilers = { directories: compilePathMatch, pathspec: compilePathspec, doublestar: compileDoublestar }
  return rules.flatMap((rule, index) => (compiled(rule, compilers[dialect]) === undefined ? [index] : []))
}

function compiled<Pattern>(rule: PathRule, compile: (pattern: string) => Pattern | undefined): Pattern | undefined {
  return rule.path.length > MAX_PATTERN_LENGTH ? undefined : compile(rule.path)
}

function isHidden(path: string): boolean {
  return path.startsWith('.') || path.includes('/.')
}

import { GitError, type GitRepository, type ObjectId, type TreeEntry } from '@flotilla/core/ports/git'
import { directoryMatcher, fileMatcher } from '@flotilla/generators/git-paths'
import type { GitFilesRequest, GitRequest, InputAnswer } from '@flotilla/generators/inputs'
import { BoundedMemo } from './bounded-memo.ts'
import type { RepositoryMirrors } from './mirror.ts'
import { type TextFile, TextFiles } from './text-files.ts'
import { compareBytes, type PathMatcher, WalkTooLarge } from './walk-tree.ts'

export interface AnswerLimits {
  readonly maxFileBytes: number
  /** Directories or files that one request may match. */
  readonly maxMatches: number
  readonly maxTotalCharacters: number
  readonly maxDepth: number
}

const DEFAULT_LIMITS: AnswerLimits = {
  maxFileBytes: 1024 * 1024,
  maxMatches: 50_000,
  maxTotalCharacters: 128 * 1024 * 1024,
  maxDepth: 64,
}

interface Match {
  readonly path: string
  readonly entry: TreeEntry
}

/** What one folder gave: by itself, and from the folders in it, in order. */
interface Listing {
  readonly parts: readonly (Match | readonly Match[])[]
  readonly found: readonly Match[]
}

interface Search {
  readonly matcher: PathMatcher
  readonly wanted: 'directories' | 'files'
  /** What the matcher was made of. */
  readonly rule: string
  /** The repository and its revision, as asked. */
  readonly place: string
}

const MEMO_MATCHES = 300_000

/**
 * Answers what generators ask of repositories. What a rule finds in a tree is remembered by the tree's id, place and
 * rule, so that after a commit only the folders on its way are looked at again, whatever the size of the repository. Where
 * that finds what was found there before, it is the same list as before: whoever has seen the list needs not read it.
 */
export class InputAnswers {
  readonly #mirrors: Pick<RepositoryMirrors, 'open' | 'failure'>
  readonly #limits: AnswerLimits
  readonly #texts: TextFiles
  readonly #matches = new BoundedMemo<readonly Match[]>(MEMO_MATCHES, matches => matches.length + 1)
  /** By place and rule, whatever the tree was. */
  readonly #listings = new BoundedMemo<Listing>(MEMO_MATCHES, ({ parts }) => parts.length + 1)
  readonly #paths = new WeakMap<readonly Match[], readonly string[]>()

  constructor(mirrors: Pick<RepositoryMirrors, 'open' | 'failure'>, limits: Partial<AnswerLimits> = {}) {
    this.#mirrors = mirrors
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#texts = new TextFiles(this.#limits.maxFileBytes)
  }

  /** @throws Never for what the world says: that is an answer of kind `failed`. */
  async answer(request: GitRequest): Promise<InputAnswer> {
    try {
      return await this.#answer(request)
    } catch (error) {
      if (error instanceof GitError) return failed(error.code, error.message, error.retry)
      if (error instanceof WalkTooLarge) return failed('TOO_MANY_FILES', `${request.repoURL}: ${error.message}`)
      throw error
    }
  }

  async #answer(request: GitRequest): Promise<InputAnswer> {
    const { repoURL, revision } = request
    const repository = await this.#mirrors.open(repoURL)
    if (!repository) {
      const failure = this.#mirrors.failure(repoURL)
      if (failure) return failed(failure.code, failure.message, failure.retry)
      return failed('REPOSITORY_UNREACHABLE', `${repoURL} has not been fetched yet`, true)
    }
    const commit = await repository.resolve(revision || 'HEAD')
    if (commit === undefined) {
      return failed('REVISION_MISSING', `${repoURL} has no revision "${revision || 'HEAD'}"`)
    }
    const { tree } = await repository.readCommit(commit)
    if (request.kind === 'git-directories') {
      const rule = `d ${JSON.stringify(request.rules)}`
      const search = {
        matcher: directoryMatcher(request.rules),
        wanted: 'directories',
        rule,
        place: placeOf(request),
      } as const
      const found = await this.#search(repository, tree, search)
      return { kind: 'git-directories', commit, directories: this.#pathsOf(found) }
    }
    return this.#answerFiles(repository, commit, tree, request)
  }

  async #answerFiles(
    repository: GitRepository,
    commit: ObjectId,
    tree: ObjectId,
    request: GitFilesRequest,
  ): Promise<InputAnswer> {
    const { dialect, repoURL, rules } = request
    const rule = `f ${dialect} ${JSON.stringify(rules)}`
    const search = { matcher: fileMatcher(rules, dialect), wanted: 'files', rule, place: placeOf(request) } as const
    const found = await this.#search(repository, tree, search)
    const files: { path: string; text: string }[] = []
    let characters = 0
    for (const { path, entry } of [...found].sort((a, b) => compareBytes(a.path, b.path))) {
      const file = await this.#texts.read(repository, tree, path, entry)
      if (file.kind === 'text') {
        characters += file.text.length
        if (characters > this.#limits.maxTotalCharacters) {
          const message = `${repoURL}: the matching files have more than ${this.#limits.maxTotalCharacters} characters`
          return failed('TOO_MANY_FILES', message)
        }
        files.push({ path, text: file.text })
      } else if (file.kind !== 'elsewhere' || dialect === 'pathspec') {
        // With doublestar what leads elsewhere is left out, as in Argo CD; a pathspec lists it, and reading fails.
        return unreadable(repoURL, file)
      }
    }
    return { kind: 'git-files', commit, files }
  }

  /** Depth first, names in byte order: the order in which Argo CD walks a checkout. */
  async #search(
    repository: GitRepository,
    root: ObjectId,
    { matcher, wanted, rule, place }: Search,
  ): Promise<readonly Match[]> {
    const visit = async (tree: ObjectId, prefix: string, depth: number): Promise<readonly Match[]> => {
      const key = `${tree} ${prefix} ${rule}`
      const known = this.#matches.get(key)
      if (known) return known
      if (depth > this.#limits.maxDepth)
        throw new WalkTooLarge(`folders nest deeper than ${this.#limits.maxDepth} levels`)
      const parts: (Match | readonly Match[])[] = []
      let count = 0
      for (const entry of await sortedEntries(repository, tree)) {
        const path = prefix + entry.name
        const isDirectory = entry.type === 'directory'
        if (isDirectory === (wanted === 'directories') && matcher.matches(path, entry)) {
          count += 1
          parts.push({ path, entry })
        }
        if (isDirectory && matcher.mayContain(path)) {
          const below = await visit(entry.id, `${path}/`, depth + 1)
          count += below.length
          if (below.length > 0) parts.push(below)
        }
        if (count > this.#limits.maxMatches) {
          throw new WalkTooLarge(`more than ${this.#limits.maxMatches} ${wanted} match`)
        }
      }
      const found = this.#listed(`${place} ${prefix} ${rule}`, parts, wanted)
      this.#matches.set(key, found)
      return found
    }
    return matcher.mayContain('') ? visit(root, '', 0) : []
  }

  /** The list that these parts are: the one of the last time where they are the same. */
  #listed(key: string, parts: Listing['parts'], wanted: Search['wanted']): readonly Match[] {
    const last = this.#listings.get(key)
    if (
      last &&
      last.parts.length === parts.length &&
      parts.every((part, at) => isSame(part, last.parts[at]!, wanted))
    ) {
      return last.found
    }
    const found = parts.flat()
    this.#listings.set(key, { parts, found })
    return found
  }

  #pathsOf(found: readonly Match[]): readonly string[] {
    const paths = this.#paths.get(found) ?? found.map(match => match.path)
    this.#paths.set(found, paths)
    return paths
  }
}

function placeOf({ repoURL, revision }: GitRequest): string {
  return JSON.stringify([repoURL, revision])
}

/** Of a folder that matches its path is told alone, whatever is in it. */
function isSame(now: Match | readonly Match[], then: Match | readonly Match[], wanted: Search['wanted']): boolean {
  if (isList(now) || isList(then)) return now === then
  return (
    now.path === then.path &&
    (wanted === 'directories' || (now.entry.id === then.entry.id && now.entry.type === then.entry.type))
  )
}

function isList(part: Match | readonly Match[]): part is readonly Match[] {
  return Array.isArray(part)
}

async function sortedEntries(repository: GitRepository, tree: ObjectId): Promise<readonly TreeEntry[]> {
  const entries = await repository.readTree(tree)
  return [...entries].sort((a, b) => compareBytes(a.name, b.name))
}

function unreadable(repoURL: string, file: Exclude<TextFile, { kind: 'text' }>): InputAnswer {
  switch (file.kind) {
    case 'too-large':
      return failed('FILE_TOO_LARGE', `${repoURL}: "${file.path}" has more than ${file.maxBytes} bytes`)
    case 'not-text':
      return failed('FILE_UNREADABLE', `${repoURL}: "${file.path}" is not UTF-8 text`)
    case 'elsewhere':
      return failed('FILE_UNREADABLE', `${repoURL}: ${file.message}`)
  }
}

function failed(code: string, message: string, retry = false): InputAnswer {
  return { kind: 'failed', code, message, retry }
}

import { GitError, type GitRepository, type ObjectId } from '@flotilla/core/ports/git'
import type { GitRequest, InputAnswer } from '@flotilla/generators/inputs'
import type { SourceFiles } from '../loop/config-sources.ts'
import type { Repositories } from '../loop/services.ts'
import { InputAnswers } from '../source/answer-inputs.ts'
import { ConfigTrees } from '../source/read-config-tree.ts'

/** Before the change, and after it. */
export type Side = 'base' | 'head'

/** Where repositories are found, on either side. */
export interface SidedSource {
  /** Undefined: not to be had; `failure` says why. */
  open(url: string): Promise<SidedContent | undefined>
  failure(url: string): { readonly code: string; readonly message: string } | undefined
  /** Takes part in what config files are read: documents that lie in no repository yet. */
  readonly amend?: (path: string, files: SourceFiles, side: Side) => SourceFiles
}

export interface SidedContent {
  /** Reads the objects of one side; `base` and `head` may be the same repository. */
  readonly base: GitRepository
  readonly head: GitRepository
  resolve(revision: string, side: Side): Promise<ObjectId | undefined>
}

/** Repositories that stand at the base of a change until they are told to show its head. */
export class SidedRepositories implements Repositories {
  #side: Side = 'base'
  readonly #source: SidedSource
  readonly #answers: InputAnswers
  readonly #configTrees = new ConfigTrees()
  readonly #opened = new Map<string, Promise<GitRepository | undefined>>()

  constructor(source: SidedSource) {
    this.#source = source
    this.#answers = new InputAnswers({
      open: url => this.open(url),
      failure: url => {
        const failure = this.failure(url)
        return failure && { ...failure, retry: false }
      },
    })
  }

  /** URLs that anything asked for. */
  get urls(): readonly string[] {
    return [...this.#opened.keys()]
  }

  showHead(): void {
    this.#side = 'head'
  }

  open(url: string): Promise<GitRepository | undefined> {
    let opened = this.#opened.get(url)
    if (opened === undefined) {
      opened = this.#source.open(url).then(content => content && sided(content, () => this.#side))
      this.#opened.set(url, opened)
    }
    return opened
  }

  async refresh(): Promise<void> {}

  failure(url: string): { readonly code: string; readonly message: string; readonly since: number } | undefined {
    const failure = this.#source.failure(url)
    return failure && { ...failure, since: 0 }
  }

  async readConfig(
    repository: GitRepository,
    commit: ObjectId,
    path: string,
    narrower: readonly string[],
  ): Promise<SourceFiles> {
    const files = await this.#configTrees.read(repository, commit, path, narrower)
    return this.#source.amend ? this.#source.amend(path, files, this.#side) : files
  }

  answer(request: GitRequest): Promise<InputAnswer> {
    return this.#answers.answer(request)
  }
}

/** Both sides as one repository: what a commit, tree or file holds does not depend on the side. */
function sided({ base, head, resolve }: SidedContent, side: () => Side): GitRepository {
  const either = async <T>(read: (from: GitRepository) => Promise<T>): Promise<T> => {
    if (base === head) return await read(base)
    const [first, second] = side() === 'base' ? [base, head] : [head, base]
    try {
      return await read(first)
    } catch (error) {
      if (!(error instanceof GitError) || error.code !== 'OBJECT_MISSING') throw error
      return await read(second)
    }
  }
  const signed = base.signed !== undefined &&
    head.signed !== undefined && {
      tagOf: (revision: string) => (side() === 'base' ? base : head).signed!.tagOf(revision),
      read: (id: ObjectId) => either(from => from.signed!.read(id)),
    }
  return {
    ...(signed ? { signed } : {}),
    fetch: async () => undefined,
    resolve: revision => resolve(revision, side()),
    readCommit: id => either(from => from.readCommit(id)),
    readTree: id => either(from => from.readTree(id)),
    readBlob: (id, maxBytes) => either(from => from.readBlob(id, maxBytes)),
    close: async () => undefined,
  }
}

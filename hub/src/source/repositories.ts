import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { GitRequest, InputAnswer } from '@flotilla/generators/inputs'
import type { Repositories } from '../loop/services.ts'
import { InputAnswers } from './answer-inputs.ts'
import type { FetchFailure, RepositoryMirrors } from './mirror.ts'
import { type ConfigTree, ConfigTrees } from './read-config-tree.ts'

/** The mirrors and what is read from them, as the loop uses them. */
export class MirroredRepositories implements Repositories {
  readonly #mirrors: RepositoryMirrors
  readonly #answers: InputAnswers
  readonly #configTrees = new ConfigTrees()

  constructor(mirrors: RepositoryMirrors) {
    this.#mirrors = mirrors
    this.#answers = new InputAnswers(mirrors)
  }

  open(url: string): Promise<GitRepository | undefined> {
    return this.#mirrors.open(url)
  }

  refresh(url: string): Promise<void> {
    return this.#mirrors.refresh(url)
  }

  failure(url: string): FetchFailure | undefined {
    return this.#mirrors.failure(url)
  }

  readConfig(
    repository: GitRepository,
    commit: ObjectId,
    path: string,
    narrower: readonly string[],
  ): Promise<ConfigTree> {
    return this.#configTrees.read(repository, commit, path, narrower)
  }

  answer(request: GitRequest): Promise<InputAnswer> {
    return this.#answers.answer(request)
  }
}

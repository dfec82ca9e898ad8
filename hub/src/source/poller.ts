import type { RepositoryMirrors } from './mirror.ts'
import type { Ticker } from './ticker.ts'

export interface PollerOptions {
  readonly mirrors: Pick<RepositoryMirrors, 'isDue'>
  readonly ticker: Ticker
  /** The repositories that anything reads now: those of the loop, whose set changes with every commit. */
  repositories(): Iterable<string>
  /** Called for each repository that is due; it is to end in {@link RepositoryMirrors.refresh}. */
  onDue(url: string): void
}

/** Looks at every tick which repositories are due, and says so. When each is due, its mirror knows. */
export class Poller {
  readonly #options: PollerOptions
  #task: { stop(): void } | undefined

  constructor(options: PollerOptions) {
    this.#options = options
  }

  /** Looks once at once, then at every tick. */
  start(): void {
    if (this.#task) return
    this.#task = this.#options.ticker.start(() => this.look())
    this.look()
  }

  look(): void {
    const { mirrors, repositories, onDue } = this.#options
    for (const url of repositories()) if (mirrors.isDue(url)) onDue(url)
  }

  stop(): void {
    this.#task?.stop()
    this.#task = undefined
  }
}

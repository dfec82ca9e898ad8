import type { BroughtSources } from './brought-sources.ts'
import { type ConfigSources, storeSource } from './config-sources.ts'
import type { FleetRounds } from './fleet-rounds.ts'
import { lookAtRepository, readSource, type SourceReading } from './look-at-repository.ts'
import type { LoopServices } from './services.ts'
import type { WorkQueue } from './work-queue.ts'
import type { World } from './world.ts'

export interface SourceRoundsParts {
  readonly world: World
  readonly sources: ConfigSources
  readonly services: LoopServices
  readonly queue: Pick<WorkQueue, 'add' | 'waiting'>
  readonly brought: BroughtSources
  readonly fleets: Pick<FleetRounds, 'merge'>
}

/** Reads repositories and config sources, documents before whatever they speak of. */
export class SourceRounds {
  readonly #parts: SourceRoundsParts
  /** Keys that a commit concerns whose documents are still to be read. */
  readonly #afterSources = new Set<string>()

  constructor(parts: SourceRoundsParts) {
    this.#parts = parts
  }

  /** Fetches a repository and looks at whatever reads what changed there. */
  async repository(url: string): Promise<void> {
    const { world, sources, services } = this.#parts
    await lookAtRepository(url, world, sources, services, keys => this.#tell([...keys]))
  }

  /** Reads config sources; when none waits any more, what waited for their documents is looked at. */
  async read(names: readonly string[]): Promise<void> {
    const { queue } = this.#parts
    try {
      for (const name of names) await this.#source(name)
    } finally {
      if (queue.waiting('source') === 0) {
        const others = [...this.#afterSources]
        this.#afterSources.clear()
        queue.add(...others)
      }
    }
  }

  /**
   * A commit may hold both documents and what they speak of: the documents come first. Else a set would be expanded over
   * its new folders by its old document, and let go of what the new one keeps.
   */
  #tell(keys: readonly string[]): void {
    const sources = keys.filter(key => key.startsWith('source/'))
    const others = keys.filter(key => !key.startsWith('source/'))
    if (sources.length === 0) this.#parts.queue.add(...others)
    else for (const key of others) this.#afterSources.add(key)
    this.#parts.queue.add(...sources)
  }

  async #source(name: string): Promise<void> {
    const { world, sources, services, brought: waiting, fleets } = this.#parts
    const { store, clock, announce } = services
    const brought = waiting.reading(name)
    if (brought) sources.bring(brought.config)
    const config = sources.config(name)
    if (!config || (config.broughtBy !== undefined && !brought)) return
    const { read, away }: SourceReading = brought ?? (await readSource(config, world, sources, services))
    const taken = sources.take(name, read, clock.now(), away)
    const row = (await sources.checkScripts(name)) ?? taken.row
    await store.write(writer => storeSource(writer, { ...taken, row }))
    if (brought) waiting.done(name, brought)
    announce.sources([name])
    if (read.kind === 'read') await fleets.merge()
  }
}

import type { ConfigFile } from '@flotilla/config/load'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ObjectId } from '@flotilla/core/ports/git'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { broughtFiles, broughtSource, broughtSourceName } from './brought-documents.ts'
import type { ConfigSource, ConfigSources, SourceFiles } from './config-sources.ts'

/** What a source that an Application brings is to be read as. */
export interface BroughtReading {
  readonly config: ConfigSource
  readonly read: SourceFiles
}

/**
 * What Applications render for the fleet, until it is read in the turn of its source: only one source is read at a
 * time, or of two fleets made at once the older might win.
 */
export class BroughtSources {
  readonly #sources: ConfigSources
  readonly #waiting = new Map<string, BroughtReading>()
  /** The text of what was handed over last: most looks at an Application bring nothing new. */
  readonly #last = new Map<string, string>()

  constructor(sources: ConfigSources) {
    this.#sources = sources
  }

  /** Returns the source to be read, when there is anything new to read. */
  take(row: ApplicationRow, documents: readonly KubernetesObject[], commit: ObjectId): string | undefined {
    const name = broughtSourceName(row.name)
    if (documents.length === 0 && !this.#sources.has(name)) return undefined
    const config = broughtSource(row, this.#sources.config(row.source)?.namePrefix)
    return this.hand(config, broughtFiles(row.name, documents), commit)
  }

  /** Hands over what a source is to be read as, whole; returns its name when there is anything new to read. */
  hand(config: ConfigSource, files: readonly ConfigFile[], commit: ObjectId): string | undefined {
    const { name } = config
    const text = JSON.stringify([config, files])
    if (this.#last.get(name) === text) return undefined
    this.#last.set(name, text)
    this.#waiting.set(name, { config, read: { kind: 'read', commit, files } })
    return name
  }

  reading(name: string): BroughtReading | undefined {
    return this.#waiting.get(name)
  }

  /** It is stored; what came meanwhile waits for the next turn. */
  done(name: string, reading: BroughtReading): void {
    if (this.#waiting.get(name) === reading) this.#waiting.delete(name)
  }
}

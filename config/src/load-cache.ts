import { declare, type SourceDocument, type SourceSettings } from './declare.ts'
import { readFile, type UnreadableFile, unreadableFile } from './read-file.ts'

interface Entry {
  readonly text: string
  readonly documents: readonly SourceDocument[]
}

/**
 * Remembers what the files of one config source were read as, so that a reload costs what changed. Keep one for each
 * source and hand it to every `load`; it drops what is no longer there.
 */
export class LoadCache {
  #settings = ''
  #files = new Map<string, Entry>()
  #used = new Map<string, Entry>()
  #reads = 0

  /** How many texts had to be parsed so far, for tests and figures. */
  get reads(): number {
    return this.#reads
  }

  /** Starts a load; with other settings than before, nothing remembered is valid. */
  begin(settings: SourceSettings): void {
    const key = JSON.stringify([settings.source, settings.trust, settings.namePrefix ?? ''])
    if (key !== this.#settings) this.#files = new Map()
    this.#settings = key
    this.#used = new Map()
  }

  /** The documents of one text. @param part Set for a document kept by itself, not a whole file. */
  read(
    settings: SourceSettings,
    file: { readonly path: string; readonly text: string; readonly unreadable?: UnreadableFile },
    part?: { readonly startLine: number; readonly index: number; readonly kind: string; readonly name: string },
  ): readonly SourceDocument[] {
    const { path, text, unreadable } = file
    if (unreadable !== undefined) return [declare(unreadableFile(path, unreadable), settings)]
    const key = part === undefined ? path : JSON.stringify([path, part.index, part.kind, part.name])
    let entry = this.#files.get(key)
    // Comparing two equal texts of one length is a memory comparison: quicker than any digest of them.
    if (entry === undefined || entry.text !== text) {
      this.#reads++
      entry = { text, documents: readFile(path, text, part).map(read => declare(read, settings)) }
    }
    this.#used.set(key, entry)
    return entry.documents
  }

  /** Ends a load: what it did not ask for is forgotten. */
  end(): void {
    this.#files = this.#used
  }
}

import { findGitFolder, readLocalRefs } from './local-repository.ts'
import type { Mirror } from './object-repository.ts'
import type { ObjectSource } from './object-source.ts'
import { NO_REFS, type RefSnapshot } from './refs.ts'

/** A repository on this machine, read in place: "fetching" reads its refs again. */
export class LocalMirror implements Mirror {
  readonly subject: string
  readonly #openObjects: (gitFolder: string) => ObjectSource
  #opened: { readonly gitFolder: string; readonly objects: ObjectSource } | undefined
  #refs: RefSnapshot = NO_REFS
  #suspect = false

  constructor(path: string, openObjects: (gitFolder: string) => ObjectSource) {
    this.subject = path
    this.#openObjects = openObjects
  }

  refs(): RefSnapshot {
    return this.#refs
  }

  objects(): ObjectSource {
    return this.#opened?.objects ?? NO_OBJECTS
  }

  async fetch(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const gitFolder = await findGitFolder(this.subject)
    const refs = await readLocalRefs(this.subject, gitFolder)
    const current = this.#opened
    // Another folder, or one whose packs were replaced under an open reader, is read from the beginning.
    if (!current || current.gitFolder !== gitFolder || this.#suspect) {
      this.#opened = { gitFolder, objects: this.#openObjects(gitFolder) }
      this.#suspect = false
      await current?.objects.close()
    }
    this.#refs = refs
  }

  suspect(): void {
    this.#suspect = true
  }

  async close(): Promise<void> {
    await this.#opened?.objects.close()
  }
}

const NO_OBJECTS: ObjectSource = {
  read: async () => undefined,
  expand: async () => undefined,
  close: async () => undefined,
}

/** A local repository that is away now is no error of opening: a later fetch may find it, and this one reports it. */
export async function takeUp(mirror: LocalMirror): Promise<void> {
  await mirror.fetch().catch(() => undefined)
}

import { fetchPack } from './fetch-pack.ts'
import type { HttpClientOptions } from './isomorphic-http.ts'
import { readingEnvironment } from './native-environment.ts'
import { runGit } from './native-process.ts'
import { isObjectId, type RefSnapshot } from './refs.ts'

/** A mirror as it is before a fetch, and where it comes from. */
export interface SmallMirror {
  readonly gitBinary: string
  readonly subject: string
  /** Without credentials. */
  readonly url: string
  readonly folder: string
  readonly refs: RefSnapshot
}

/** More than this is no small change: the git program reads it without holding it in memory. */
const MOST_PACK_BYTES = 8 * 1024 * 1024
const MOST_REFS = 100

/**
 * Takes what a few commits bring, without `git fetch`: that looks through every folder of the old tree to see that nothing
 * is missing, so that one changed file costs more in a larger repository, and it is five processes. `index-pack --strict`
 * asks the same of the new objects alone: each must be sound, and whatever it names must be there. What was there before
 * was taken in the same way, so that the whole is whole.
 *
 * @returns False where it was not to be had this way, and then no ref has changed; the git program does it, or says why
 *   not.
 */
export async function takeSmallChange(
  mirror: SmallMirror,
  listed: RefSnapshot,
  http: Omit<HttpClientOptions, 'maxResponseBytes'>,
): Promise<boolean> {
  const changed = [...listed.refs].filter(([name, id]) => mirror.refs.refs.get(name) !== id)
  const removed = [...mirror.refs.refs.keys()].some(name => !listed.refs.has(name))
  if (removed || changed.length === 0 || changed.length > MOST_REFS) return false
  // The file HEAD stays as it is.
  if (listed.head === undefined || listed.head !== mirror.refs.head || isObjectId(listed.head)) return false
  const run = async (words: readonly string[], input: Uint8Array) => {
    const { gitBinary, subject, folder } = mirror
    const gitArguments = [`--git-dir=${folder}`, ...words]
    const { signal } = http
    await runGit({ gitBinary, subject, arguments: gitArguments, variables: readingEnvironment(), input, signal })
  }
  try {
    const haves = new Set(mirror.refs.refs.values())
    const wants = [...new Set(changed.map(([, id]) => id))].filter(id => !haves.has(id))
    if (wants.length > 0) {
      const pack = await fetchPack(mirror.url, wants, [...haves], { ...http, maxResponseBytes: MOST_PACK_BYTES })
      if (!pack) return false
      await run(['index-pack', '--strict', '--fix-thin', '--stdin'], pack)
    }
    await run(['update-ref', '--stdin'], Buffer.from(changed.map(([name, id]) => `update ${name} ${id}\n`).join('')))
    return true
  } catch {
    // Objects that no ref reaches do no harm, and the program says better what is wrong.
    return false
  }
}

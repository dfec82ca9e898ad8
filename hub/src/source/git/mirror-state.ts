import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isObjectId, type RefSnapshot } from './refs.ts'

/**
 * What a mirror held when its last fetch was whole: refs, and the packs that hold their objects. It is replaced in one
 * step, after the objects are on disk, so that a hub killed at any instant finds either the old state or the new one.
 */
export interface MirrorState {
  readonly refs: RefSnapshot
  readonly packs: readonly string[]
}

const FILE = 'flotilla.json'

/** `undefined` when the fetch never finished, or a pack it named is gone or empty. */
export async function readMirrorState(folder: string): Promise<MirrorState | undefined> {
  try {
    const state = decode(JSON.parse(await readFile(join(folder, FILE), 'utf8')))
    for (const index of state?.packs ?? []) {
      for (const file of [index, index.replace(/idx$/, 'pack')]) {
        if ((await stat(join(folder, 'objects', 'pack', file))).size === 0) return undefined
      }
    }
    return state
  } catch {
    // Missing, cut off, unreadable: all mean that the mirror is made anew, which is always safe.
    return undefined
  }
}

export async function writeMirrorState(folder: string, refs: RefSnapshot, packs: readonly string[]): Promise<void> {
  const path = join(folder, FILE)
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify({ version: 1, head: refs.head, refs: [...refs.refs], packs }))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}

/** Packs of a fetch that was cut off: their refs were never taken, and one may be torn. */
export async function removeStrayPacks(folder: string, state: MirrorState): Promise<void> {
  const packs = join(folder, 'objects', 'pack')
  const kept = new Set(state.packs.map(name => name.replace(/\.idx$/, '')))
  for (const name of await readdir(packs)) {
    if (!kept.has(name.replace(/\.[a-z]+$/, ''))) await rm(join(packs, name), { force: true })
  }
}

function decode(value: unknown): MirrorState | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { version, head, refs, packs } = value as Record<string, unknown>
  if (version !== 1 || !Array.isArray(refs) || !Array.isArray(packs)) return undefined
  if (!packs.every(name => typeof name === 'string' && /^pack-[0-9a-f]+\.idx$/.test(name))) return undefined
  const entries = refs.filter(
    (entry): entry is [string, string] =>
      Array.isArray(entry) && typeof entry[0] === 'string' && isObjectId(String(entry[1])),
  )
  if (entries.length !== refs.length) return undefined
  const map = new Map(entries)
  return { refs: typeof head === 'string' ? { head, refs: map } : { refs: map }, packs: packs as string[] }
}

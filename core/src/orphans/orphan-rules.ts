import { compileGlob } from '../glob/glob.ts'

/** One entry of a Project's `orphanedResources.ignore`: globs; no group means the core group, no kind or name any. */
export interface OrphanIgnore {
  readonly group?: string
  readonly kind?: string
  readonly name?: string
}

/** What a Project wants to know of objects that nobody declares, in the namespaces that it deploys to. */
export interface OrphanRules {
  /** Whether Applications carry a condition; without it orphans are only listed. */
  readonly warn: boolean
  readonly ignore: readonly OrphanIgnore[]
}

/** So many entries a Project may have: they travel in every Offer of it. */
export const MOST_ORPHAN_IGNORES = 200
/** In characters; an Offer with a longer one would be refused by its agent. */
export const LONGEST_ORPHAN_GLOB = 1024

/**
 * The rules of a Project; undefined where it does not ask for orphans at all. `orphanedResources: {}` asks, and warns.
 *
 * @example
 * orphanRulesOf({ orphanedResources: { ignore: [{ kind: 'Secret', name: 'sh.helm.*' }] } })?.warn // => true
 */
export function orphanRulesOf(spec: { readonly [field: string]: unknown }): OrphanRules | undefined {
  const asked = spec['orphanedResources']
  if (typeof asked !== 'object' || asked === null) return undefined
  const { warn, ignore } = asked as { readonly warn?: unknown; readonly ignore?: unknown }
  const entries = Array.isArray(ignore) ? (ignore as readonly OrphanIgnore[]) : []
  return { warn: warn !== false, ignore: entries.slice(0, MOST_ORPHAN_IGNORES) }
}

/** What is wrong with an entry's globs; undefined when nothing is. */
export function orphanIgnoreMistake(entry: OrphanIgnore): string | undefined {
  for (const field of ['group', 'kind', 'name'] as const) {
    const glob = entry[field] ?? ''
    if (glob.length > LONGEST_ORPHAN_GLOB) return `${field}: has more than ${LONGEST_ORPHAN_GLOB} characters`
    try {
      compileGlob(glob, '')
    } catch (error) {
      return `${field}: ${(error as Error).message}`
    }
  }
  return undefined
}

/** Whether a rule says to leave objects out; kind first, so that of most kinds no name has to be looked at. */
export interface CompiledIgnores {
  /** `every`: all of the kind; otherwise whether one of that name is left out, where that depends on the name. */
  ofKind(group: string, kind: string): 'every' | ((name: string) => boolean)
}

/** A glob that cannot be read matches its own text alone: it hides nothing that was not meant. Never throws. */
export function compileIgnores(entries: readonly OrphanIgnore[]): CompiledIgnores {
  const compiled = entries.map(({ group = '', kind = '', name = '' }) => ({
    group: matcher(group),
    kind: kind === '' ? () => true : matcher(kind),
    name: name === '' ? undefined : matcher(name),
  }))
  return {
    ofKind(group, kind) {
      const applying = compiled.filter(entry => entry.group(group) && entry.kind(kind))
      if (applying.some(({ name }) => name === undefined)) return 'every'
      return name => applying.some(entry => entry.name?.(name) === true)
    },
  }
}

function matcher(pattern: string): (text: string) => boolean {
  try {
    return compileGlob(pattern, '')
  } catch {
    return text => text === pattern
  }
}

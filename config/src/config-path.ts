/** Where a config source stands: its files are those under `path` of that repository at that revision. */
export interface SourceLocation {
  readonly repository: string
  readonly revision: string
  /** Relative to the repository's root, `/` between segments; empty for the root. */
  readonly path: string
}

/**
 * Whether a file under the config path is read at all: YAML and JSON files, except kustomization files and whatever
 * stands in a folder (or has a name) that begins with a dot.
 */
export function isConfigFile(path: string): boolean {
  const segments = path.split('/')
  if (segments.some(segment => segment.startsWith('.'))) return false
  const name = segments.at(-1)!
  return /\.(ya?ml|json)$/.test(name) && !/^kustomization\.ya?ml$/i.test(name)
}

/**
 * Folders under `source` that belong to another, narrower source of the same repository and revision: there the
 * narrower one's trust counts, so the wider one must not read them.
 */
export function narrowerPaths(source: SourceLocation, all: readonly SourceLocation[]): readonly string[] {
  const own = normalPath(source.path)
  return all
    .filter(other => other.repository === source.repository && other.revision === source.revision)
    .map(other => normalPath(other.path))
    .filter(path => path !== own && isUnder(path, own))
    .sort()
}

/** `a/b` is under `a`, under the root (``) and under itself. */
export function isUnder(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`)
}

function normalPath(path: string): string {
  return path
    .split('/')
    .filter(segment => segment !== '' && segment !== '.')
    .join('/')
}

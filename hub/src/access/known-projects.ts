import type { Declared, ProjectSpec } from '@flotilla/core/model/fleet'

/** A Project that is in force: as its source declares it, or as it was last seen there (decision 19). */
export interface KnownProject {
  readonly name: string
  readonly spec: ProjectSpec
  readonly declared?: { readonly source: string; readonly file: string; readonly line: number }
}

/** Every Project in force, by name. */
export function knownProjects(
  declared: ReadonlyMap<string, Declared<ProjectSpec>>,
  lastSeen: ReadonlyMap<string, ProjectSpec>,
): readonly KnownProject[] {
  const known = new Map<string, KnownProject>()
  for (const [name, spec] of lastSeen) known.set(name, { name, spec })
  for (const [name, { spec, source, position }] of declared) {
    known.set(name, { name, spec, declared: { source, file: position.file, line: position.line } })
  }
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

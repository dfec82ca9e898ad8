import type { AccessObject } from '@flotilla/core/access/object'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Trust } from '@flotilla/core/model/fleet'
import type { SourceView } from '@flotilla/core/view/fleet-parts'
import { namedObject } from './objects.ts'
import type { Rights } from './rights.ts'

/** What a config source may declare; undefined where that is not known. */
export type TrustOf = (source: string) => Trust | undefined

/**
 * A config source by itself, and once for each Project (or glob of them) that it may declare for: a Team sees the source
 * of what it owns or watches.
 */
export function sourceObjects(name: string, trust: Trust | undefined): readonly AccessObject[] {
  const projects = trust?.kind === 'projects' ? trust.projects : []
  return [namedObject('sources', name), ...projects.map(project => namedObject('sources', name, project))]
}

/** Mistakes whose text names what another source has: who has the name, and where. */
export const NAMES_OTHERS: ReadonlySet<string> = new Set(['DUPLICATE_NAME', 'NAME_TAKEN'])

export function shownSource(source: SourceView, trust: Trust | undefined, rights: Rights): SourceView | undefined {
  const objects = sourceObjects(source.name, trust)
  const asked = rights.team === undefined ? objects : objects.filter(({ project }) => project !== undefined)
  if (!asked.some(object => rights.sees(object))) return undefined
  if (rights.visible.key === '*') return source
  return { ...source, diagnostics: source.diagnostics.map(withoutOthers) }
}

/** A mistake without the name and place of what another has. */
export function withoutOthers(diagnostic: JsonObject): JsonObject {
  if (!NAMES_OTHERS.has(String(diagnostic['code']))) return diagnostic
  const { hint: _, ...rest } = diagnostic
  return { ...rest, message: 'the name is taken, by what is declared elsewhere' }
}

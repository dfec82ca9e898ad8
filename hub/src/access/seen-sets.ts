import type { AccessObject } from '@flotilla/core/access/object'
import type { SetView } from '@flotilla/core/view/fleet-parts'
import type { FleetView } from '../api/fleet-view.ts'
import { EVERYTHING_VISIBLE } from '../api/visible-set.ts'
import { namedObject } from './objects.ts'
import type { Rights } from './rights.ts'
import { NAMES_OTHERS, withoutOthers } from './seen-sources.ts'

/** Stands for every Project: what belongs to none that is known is for whoever has the right on all of them. */
export const EVERY_PROJECT = '*'

/** A set once for each Project that it has made Applications in: a template may name any. */
export function setObjects(set: Pick<SetView, 'name' | 'source'>, view: FleetView): readonly AccessObject[] {
  const projects = view.projectsOfSet(set.source, set.name)
  const known = projects.length === 0 ? [EVERY_PROJECT] : projects
  return known.map(project => namedObject('applicationsets', set.name, project))
}

/**
 * The sets that somebody sees: those of any Project where he may. What a set says of its generators and mistakes names
 * Applications of all of its Projects, so that it is for whoever sees all of them; counts are of visible ones.
 */
export function seenSets(view: FleetView, rights: Rights): readonly SetView[] {
  return view.applicationSets(rights.visible).flatMap(set => {
    const shown = shownSet(set, view, rights)
    return shown === undefined ? [] : [shown]
  })
}

export function shownSet(set: SetView, view: FleetView, rights: Rights): SetView | undefined {
  const seen = setObjects(set, view).map(object => rights.sees(object))
  if (!seen.includes(true)) return undefined
  if (seen.includes(false)) return { ...set, generators: [], errors: [], conditions: [], health: null }
  if (rights.visible.key === EVERYTHING_VISIBLE.key) return set
  const told = set.errors.some(error => NAMES_OTHERS.has(String(error['code'])))
  // Conditions repeat what the errors say.
  return told ? { ...set, errors: set.errors.map(withoutOthers), conditions: [] } : set
}

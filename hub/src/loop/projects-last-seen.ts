import type { JsonObject } from '@flotilla/core/json/json'
import type { ProjectSpec } from '@flotilla/core/model/fleet'
import type { Store, StoreReader } from '@flotilla/core/ports/store'
import type { FleetIndex } from './fleet-index.ts'

const SETTING = 'projects-last-seen'

/** Projects that left their source, as they were: Applications may still name them (decision 19). */
export async function loadProjectsLastSeen(rows: StoreReader, into: Map<string, ProjectSpec>): Promise<void> {
  const stored = (await rows.setting(SETTING)) ?? {}
  for (const [name, spec] of Object.entries(stored)) into.set(name, spec as unknown as ProjectSpec)
}

/** Remembers Projects that are in `before` and not in `after`, forgets those that are back; the store first. */
export async function rememberProjects(
  before: FleetIndex,
  after: FleetIndex,
  changed: readonly string[],
  lastSeen: Map<string, ProjectSpec>,
  store: Store,
): Promise<void> {
  const gone = changed.filter(name => !after.projects.has(name) && before.projects.has(name))
  const back = changed.filter(name => lastSeen.has(name) && after.projects.has(name))
  if (gone.length === 0 && back.length === 0) return
  const next = new Map(lastSeen)
  for (const name of gone) next.set(name, before.projects.get(name)!.spec)
  for (const name of back) next.delete(name)
  const value = Object.fromEntries(next) as unknown as JsonObject
  await store.write(writer => writer.putSetting(SETTING, value))
  lastSeen.clear()
  for (const [name, spec] of next) lastSeen.set(name, spec)
}

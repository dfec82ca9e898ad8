import type { GlobalProject } from '@flotilla/config/gate-rules'
import { parseLabelSelector } from '@flotilla/core/gates/label-selector'
import { nearest } from '@flotilla/core/text/nearest'
import type { SettingProblem } from './compile-hub-options.ts'
import { parsedJson } from './read-config-sources.ts'

const KEYS = ['projectName', 'labelSelector']

/** Reads `globalProjects`: Projects whose sync windows concern all Projects with matching labels, as in Argo CD. */
export function readGlobalProjects(
  loose: unknown,
  refuse: (problem: SettingProblem) => void,
): readonly GlobalProject[] {
  const field = 'globalProjects'
  if (loose === undefined) return []
  const list = typeof loose === 'string' ? parsedJson(loose) : loose
  if (!Array.isArray(list)) {
    refuse({ field, message: 'must be a list of projectName and labelSelector' })
    return []
  }
  return list.flatMap((entry: unknown, index) => readOne(entry, `${field}[${index}]`, refuse) ?? [])
}

function readOne(entry: unknown, field: string, refuse: (problem: SettingProblem) => void): GlobalProject | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    refuse({ field, message: 'must be a map of projectName and labelSelector' })
    return undefined
  }
  const { projectName, labelSelector } = entry as Readonly<Record<string, unknown>>
  const strange = Object.keys(entry).filter(key => !KEYS.includes(key))
  for (const key of strange) {
    const near = nearest(key, KEYS)
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` }
    refuse({ field: `${field}.${key}`, message: 'is not a field of a global Project', ...hint })
  }
  const named = typeof projectName === 'string' && projectName !== ''
  if (!named) refuse({ field: `${field}.projectName`, message: 'must be the name of a Project' })
  const selects = typeof labelSelector === 'string' && typeof parseLabelSelector(labelSelector) === 'function'
  if (!selects) refuse({ field: `${field}.labelSelector`, message: 'must be a selector such as tier in (gold,silver)' })
  return strange.length === 0 && named && selects ? { projectName, labelSelector } : undefined
}

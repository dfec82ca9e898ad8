import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { Trust } from '@flotilla/core/model/fleet'
import { matchesWildcard } from '@flotilla/core/text/wildcard'
import type { FleetKind } from './kinds/kind.ts'
import { listOf, member, textOf } from './kinds/kind.ts'
import { type Path, type Problem, pathText } from './problem.ts'

const TEAM_KINDS: ReadonlySet<FleetKind> = new Set(['ApplicationSet', 'Application'])
/** Anybody may close what is theirs: a gate concerns no Project beyond the trust of its source. */
const GATE_KINDS: ReadonlySet<FleetKind> = new Set(['SyncWindow', 'FreezePeriod'])

/**
 * Whether a config source with this trust may declare for `project` (decision 18). Every Application is asked about,
 * generated ones too: a template may make any project name.
 *
 * @example
 * trusted({ kind: 'projects', projects: ['shop', 'shop-*'] }, 'shop-eu') // => true
 */
export function trusted(trust: Trust, project: string): boolean {
  return trust.kind === 'all' || trust.projects.some(pattern => matchesWildcard(pattern, project))
}

/** What in a document goes beyond the trust of its source. A templated project is judged when it has been expanded. */
export function trustProblems(trust: Trust, kind: FleetKind, spec: Json): Problem[] {
  if (trust.kind === 'all' || GATE_KINDS.has(kind)) return []
  if (!TEAM_KINDS.has(kind)) {
    const message = `this config source may not declare a ${kind}; its trust covers ApplicationSets, Applications and gates`
    return [{ code: 'NOT_TRUSTED', severity: 'error', path: ['kind'], message }]
  }
  const named = kind === 'Application' ? [{ path: ['spec', 'project'], value: spec }] : templatesOf(spec)
  return named.flatMap(({ path, value }) => projectProblem(trust, textOf(member({ value }, 'value')['project']), path))
}

function projectProblem(trust: Trust, written: string | undefined, path: Path): Problem[] {
  const project = written === undefined || written === '' ? 'default' : written
  if (project.includes('{{') || trusted(trust, project)) return []
  const granted = trust.kind === 'projects' ? trust.projects.join(', ') : ''
  const message = `this config source may not declare for project "${project}" (${pathText(path)})`
  return [{ code: 'NOT_TRUSTED', severity: 'error', path, message, hint: `it may declare for: ${granted}` }]
}

/** The project that the set carries, its own template, and those beside generators that name a project of their own. */
function templatesOf(spec: Json): { readonly path: Path; readonly value: Json }[] {
  const found: { path: Path; value: Json }[] = []
  const whole = member({ spec }, 'spec')
  const own = member(whole, 'template')
  const carried = textOf(whole['project']) ?? ''
  if (carried !== '') found.push({ path: ['spec', 'project'], value: { project: carried } })
  // Without one of its own, the template is in the project that the set carries.
  if ((carried === '' && whole['template'] !== undefined) || member(own, 'spec')['project']) {
    found.push({ path: ['spec', 'template', 'spec', 'project'], value: own['spec'] ?? {} })
  }
  const visit = (value: Json, path: Path): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item as Json, [...path, index])
    } else if (isJsonObject(value)) {
      const template = member(member(value, 'template'), 'spec')
      if (template['project']) found.push({ path: [...path, 'template', 'spec', 'project'], value: template })
      for (const key of Object.keys(value)) {
        if (key !== 'template' && key !== 'elements') visit(value[key] as Json, [...path, key])
      }
    }
  }
  visit(listOf(member({ spec }, 'spec')['generators']), ['spec', 'generators'])
  return found
}

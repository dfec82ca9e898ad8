import { authorise } from './authorise.ts'
import type { Binding } from './bindings.ts'
import { compilePattern, matcherOf } from './compile-pattern.ts'
import { type AccessObject, objectText } from './object.ts'
import type { AccessSettings, CompiledPolicy } from './policy.ts'
import { ANYWHERE, examplesOfPolicy } from './policy-examples.ts'
import type { MatchMode, PermissionRow } from './policy-row.ts'

/** A right that somebody would hand out. */
export interface GivenRight {
  readonly action: string
  readonly object: AccessObject
}

/** Rows that are asked about at once: so few that none of their examples is left out. */
const PART = 100

/**
 * The first right of a Project's role that whoever hands the role out does not have: nobody may give what he has not.
 * Asked about everything in the Project that any row can tell apart, of whomever it speaks: what is denied to whoever
 * hands out may stand anywhere. Undefined when it is all his.
 *
 * @param has Whether whoever hands it out has a right himself.
 */
export function rightBeyond(
  { policy, settings }: { readonly policy: CompiledPolicy; readonly settings: AccessSettings },
  given: { readonly project: string; readonly role: string },
  has: (action: string, object: AccessObject) => boolean,
): GivenRight | undefined {
  const principal = { kind: 'project-token', ...given } as const
  const asked = new Set<string>()
  for (const part of partsOf(settings, given.project)) {
    const { objects, actions } = examplesOfPolicy(part)
    for (const [resource, examples] of objects) {
      for (const object of examples) {
        const { project } = resource === 'projects' ? { project: object.name } : object
        if (project !== given.project) continue
        for (const action of actions.get(resource) ?? []) {
          const question = JSON.stringify([action, object])
          if (asked.has(question)) continue
          asked.add(question)
          if (authorise(policy, principal, action, object).kind === 'allow' && !has(action, object)) {
            return { action, object }
          }
        }
      }
    }
  }
  return undefined
}

type AskedRow = Pick<PermissionRow, 'resource' | 'action' | 'object'>

/** What a policy says that may be about one Project, as if it were written for that Project alone. */
function* partsOf(settings: AccessSettings, project: string): Iterable<AccessSettings> {
  const { rows, matchMode = 'glob', projects = [], bindings = [] } = settings
  const written: readonly AskedRow[] = rows.flatMap(row => (row.kind === 'permission' ? [row] : []))
  const own = projects
    .filter(each => each.project === project)
    .flatMap(({ roles }) => roles.flatMap(({ policies = [] }) => policies))
    .map((text): AskedRow => {
      const [, , resource = '', action = '', object = ''] = text.split(',').map(part => part.trim())
      return { resource, action, object }
    })
  const about = [...own, ...written].flatMap(row => aboutProject(row, project, matchMode))
  const scoped = bindings.flatMap((binding): readonly Binding[] => {
    const { projects: of, ...scope } = binding.scope
    const isAbout = of === undefined || of.some(pattern => matches(pattern, project))
    return isAbout ? [{ ...binding, scope: { ...scope, projects: [project] } }] : []
  })
  const none = { file: '', line: 0, column: 0 }
  for (let at = 0; at === 0 || at < Math.max(about.length, scoped.length); at += PART) {
    yield {
      rows: about
        .slice(at, at + PART)
        .map(row => ({ ...row, kind: 'permission', subject: '', effect: 'allow', text: '', place: none })),
      matchMode,
      projects: [{ project, roles: [], placeOf: () => none }],
      bindings: scoped.slice(at, at + PART),
    }
  }
}

/** Once with little in place of its wildcards, once with what nobody's names begin with. */
function aboutProject(row: AskedRow, project: string, mode: MatchMode): readonly AskedRow[] {
  const slash = row.object.indexOf('/')
  const [of, rest] = slash < 0 ? [row.object, row.object] : [row.object.slice(0, slash), row.object.slice(slash + 1)]
  if (mode === 'glob' && !matches(of.replace(/^!/, ''), project) && !(slash < 0 && of.includes('*'))) return []
  const wildcard = mode === 'regex' ? /\.[*+]\$?/g : /\*+/g
  return [...new Set([rest, rest.replace(wildcard, ANYWHERE)])].map(name => ({ ...row, object: `${project}/${name}` }))
}

function matches(pattern: string, text: string): boolean {
  return matcherOf(compilePattern(pattern, 'wide'))(text)
}

/** For people: `sync of applications shop/x`. */
export function givenRightText({ action, object }: GivenRight): string {
  return `${action} of ${object.resource} ${objectText(object)}`
}

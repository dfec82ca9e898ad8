import { authorise } from './authorise.ts'
import { tokenSubject } from './decide.ts'
import { type AccessObject, objectText } from './object.ts'
import type { AccessSettings, CompiledPolicy } from './policy.ts'
import { examplesOfPolicy } from './policy-examples.ts'

/** A right that somebody would hand out. */
export interface GivenRight {
  readonly action: string
  readonly object: AccessObject
}

/**
 * The first right of a Project's role that whoever hands the role out does not have: nobody may give what he has not.
 * Asked about everything that the rows of the role can tell apart; undefined when it is all his.
 *
 * @param has Whether whoever hands it out has a right himself.
 */
export function rightBeyond(
  { policy, settings }: { readonly policy: CompiledPolicy; readonly settings: AccessSettings },
  given: { readonly project: string; readonly role: string },
  has: (action: string, object: AccessObject) => boolean,
): GivenRight | undefined {
  const subject = tokenSubject(given)
  // A role that it is given elsewhere brings rows of its own.
  const includes = settings.rows.some(row => row.kind === 'grant' && row.member === subject)
  const rows = settings.rows.filter(row => includes || (row.kind === 'permission' && row.subject === subject))
  const projects = (settings.projects ?? []).filter(({ project }) => project === given.project)
  const { objects, actions } = examplesOfPolicy({ ...settings, rows, projects, bindings: [], teams: [] })
  const principal = { kind: 'project-token', ...given } as const
  for (const [resource, examples] of objects) {
    for (const object of examples) {
      const { project } = resource === 'projects' ? { project: object.name } : object
      if (project !== given.project) continue
      for (const action of actions.get(resource) ?? []) {
        if (authorise(policy, principal, action, object).kind === 'allow' && !has(action, object)) {
          return { action, object }
        }
      }
    }
  }
  return undefined
}

/** For people: `sync of applications shop/x`. */
export function givenRightText({ action, object }: GivenRight): string {
  return `${action} of ${object.resource} ${objectText(object)}`
}

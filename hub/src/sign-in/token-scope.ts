import type { TokenScope } from '@flotilla/core/ports/sign-in-rows'

/** What a token is used for: an action on something of a Project, or on something that no Project has. */
export interface ScopedAct {
  readonly action: string
  readonly project?: string
}

/**
 * What scopes leave of a right that the policy gives. `outside`: the Project does not exist for the token. `action`: it
 * may be looked at, but not this be done, so the refusal may be told.
 *
 * Scopes only narrow: whoever makes a token of a token adds one, and never takes one away.
 */
export function withinScopes(
  scopes: readonly TokenScope[],
  { action, project }: ScopedAct,
): 'within' | 'outside' | 'action' {
  let verdict: 'within' | 'action' = 'within'
  for (const { projects, actions } of scopes) {
    // What is of no Project is no part of any: a token for some Projects sees nothing of the fleet besides.
    if (projects !== undefined && (project === undefined || !projects.some(one => matches(one, project)))) {
      return 'outside'
    }
    if (actions !== undefined && !actions.some(one => matches(one, action))) verdict = 'action'
  }
  return verdict
}

/** `*` stands for any characters; everything else for itself. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === text
  const last = rest.pop() ?? ''
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false
  const middle = text.slice(first.length, text.length - last.length)
  let from = 0
  for (const part of rest) {
    const at = middle.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return true
}

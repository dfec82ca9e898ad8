import type { TokenScope } from '@flotilla/core/ports/sign-in-rows'
import { matchesWildcard } from '@flotilla/core/text/wildcard'

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
    if (projects !== undefined && (project === undefined || !projects.some(one => matchesWildcard(one, project)))) {
      return 'outside'
    }
    if (actions !== undefined && !actions.some(one => matchesWildcard(one, action))) verdict = 'action'
  }
  return verdict
}

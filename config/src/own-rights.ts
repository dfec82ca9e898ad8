import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Fleet } from '@flotilla/core/model/fleet'
import { placeOf } from './reference-diagnostics.ts'

/**
 * Projects whose Applications are applied with the agents' own rights, because they name no service accounts: who may
 * merge there can do whatever agents can, within what the Project permits. No mistake, so only who validates is told.
 */
export function ownRights({ projects }: Pick<Fleet, 'projects'>): readonly Diagnostic[] {
  return projects.flatMap((project): readonly Diagnostic[] => {
    const { destinationServiceAccounts: accounts = [], impersonation } = project.spec
    if (accounts.length > 0 || impersonation === 'required') return []
    return [
      {
        severity: 'warning',
        code: 'IMPERSONATION_ABSENT',
        ...placeOf(project, ['metadata', 'name']),
        message: `Project "${project.name}" names no service accounts: its Applications are applied with the rights of the agents`,
        hint: 'name them in destinationServiceAccounts, or say impersonation: required',
      },
    ]
  })
}

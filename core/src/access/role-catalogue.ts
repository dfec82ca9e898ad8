import type { PermissionRow } from './policy-row.ts'
import { RESOURCE_ACTIONS } from './vocabulary.ts'

/** What a role of a binding may do: everything that some resource pattern and some action pattern name. */
export interface RolePermission {
  readonly resources: readonly string[]
  readonly actions: readonly string[]
}

const SEEN = ['applications', 'applicationsets', 'projects', 'clusters', 'windows', 'freezes', 'rollouts']
const VIEWING: readonly RolePermission[] = [{ resources: SEEN, actions: ['get'] }]
const OPERATING: readonly RolePermission[] = [
  ...VIEWING,
  { resources: ['applications'], actions: ['sync', 'rollback', 'action/*/*/restart'] },
  { resources: ['logs'], actions: ['get'] },
]

/** The roles that bindings may name without defining them. Within which projects is up to the binding's scope. */
export const BUILTIN_ROLES: ReadonlyMap<string, readonly RolePermission[]> = new Map([
  ['viewer', VIEWING],
  ['operator', OPERATING],
  ['developer', [...OPERATING, { resources: ['applications'], actions: ['update', 'override'] }]],
  [
    'release-manager',
    [...VIEWING, { resources: ['windows', 'freezes', 'overrides', 'rollouts', 'confirmations'], actions: ['*'] }],
  ],
  [
    'security-auditor',
    [{ resources: [...RESOURCE_ACTIONS.keys()].filter(one => one !== 'logs' && one !== 'exec'), actions: ['get'] }],
  ],
  ['cluster-admin', [...VIEWING, { resources: ['clusters', 'agents'], actions: ['*'] }]],
  ['admin', [{ resources: ['*'], actions: ['*'] }]],
])

/** The permissions as rows, so that one machine finds them; the object is the binding's scope to say. */
export function roleRows(role: string, permissions: readonly RolePermission[]): readonly PermissionRow[] {
  return permissions.flatMap(({ resources, actions }) =>
    resources.flatMap(resource =>
      actions.map(action => ({
        kind: 'permission' as const,
        subject: role,
        resource,
        action,
        object: '*',
        effect: 'allow' as const,
        text: `${role}: ${resource}, ${action}`,
        place: { file: 'built-in', line: 1, column: 1 },
        builtIn: true as const,
      })),
    ),
  )
}

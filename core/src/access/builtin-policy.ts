import { parsePolicy } from './parse-policy.ts'
import type { PolicyRow } from './policy-row.ts'

const EVERY_APPLICATION = ['applications', 'applicationsets', 'logs', 'exec']

/** Who may read what: Argo CD's `role:readonly`. */
const READABLE = [
  'applications',
  'applicationsets',
  'certificates',
  'clusters',
  'repositories',
  'write-repositories',
  'projects',
  'accounts',
  'gpgkeys',
  'logs',
]

/** What `role:admin` may do beyond reading. `extensions, invoke` is in neither role, as in Argo CD. */
const CHANGEABLE: readonly (readonly [resource: string, actions: readonly string[]])[] = [
  ['applications', ['create', 'update', 'update/*', 'delete', 'delete/*', 'sync', 'rollback', 'override', 'action/*']],
  ['applicationsets', ['get', 'create', 'update', 'delete']],
  ['certificates', ['create', 'update', 'delete']],
  ['clusters', ['create', 'update', 'delete']],
  ['repositories', ['create', 'update', 'delete']],
  ['write-repositories', ['create', 'update', 'delete']],
  ['projects', ['create', 'update', 'delete']],
  ['accounts', ['update']],
  ['gpgkeys', ['create', 'delete']],
  ['exec', ['create']],
]

/** Of what Argo CD does not have, who may look at all else may look at these. The audit log is not among them. */
const OUR_READABLE = ['windows', 'freezes', 'overrides', 'rollouts', 'agents', 'confirmations', 'sources', 'hub']
const OURS = [...OUR_READABLE, 'audit', 'bundles']

/** The rows that every installation has: `role:readonly`, `role:admin`, and the local user `admin` with the latter. */
export const BUILTIN_ROWS: readonly PolicyRow[] = builtinRows([
  ...READABLE.map(resource => row('role:readonly', resource, 'get')),
  ...OUR_READABLE.map(resource => row('role:readonly', resource, 'get')),
  ...CHANGEABLE.flatMap(([resource, actions]) => actions.map(action => row('role:admin', resource, action))),
  ...OURS.map(resource => row('role:admin', resource, '*')),
  'g, role:admin, role:readonly',
  'g, admin, role:admin',
])

function row(subject: string, resource: string, action: string): string {
  return `p, ${subject}, ${resource}, ${action}, ${EVERY_APPLICATION.includes(resource) ? '*/*' : '*'}, allow`
}

function builtinRows(lines: readonly string[]): readonly PolicyRow[] {
  const { rows } = parsePolicy(lines.join('\n'), line => ({ file: 'built-in', line, column: 1 }))
  return rows.map(one => ({ ...one, builtIn: true }))
}

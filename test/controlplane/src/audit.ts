import { readFile } from 'node:fs/promises'

/**
 * How much of each write the apiserver's audit log keeps: nothing, who did what to which object, or both bodies as
 * well (Secrets too). Reads, and what the servers of the control plane do among themselves, are never kept.
 */
export type AuditLevel = 'none' | 'metadata' | 'requestResponse'

/** One line of the log, as far as tests read it. */
export interface AuditEvent {
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string; readonly groups?: readonly string[] }
  readonly userAgent?: string
  readonly objectRef?: {
    readonly resource: string
    readonly apiGroup?: string
    readonly apiVersion?: string
    readonly namespace?: string
    readonly name?: string
    readonly subresource?: string
  }
  readonly responseStatus?: { readonly code: number; readonly reason?: string }
  readonly requestObject?: unknown
  readonly responseObject?: unknown
}

/** The document for `--audit-policy-file`. */
export function auditPolicy(level: AuditLevel): object {
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived', 'ResponseStarted'],
    omitManagedFields: true,
    rules: [
      { level: 'None', userGroups: ['system:serviceaccounts'] },
      { level: 'None', users: controlPlaneUsers },
      level === 'none'
        ? { level: 'None' }
        : {
            level: level === 'metadata' ? 'Metadata' : 'RequestResponse',
            verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
          },
    ],
  }
}

/** As whom the other servers of the control plane speak to the apiserver, and it to itself. */
const controlPlaneUsers = [
  'system:apiserver',
  'system:kube-controller-manager',
  'system:kube-scheduler',
  'flotilla:kwok',
  'flotilla:launcher',
]

/**
 * All writes that are in the log, in the order in which they were answered.
 *
 * @param path Of the log; no file means no write yet.
 */
export async function readAuditLog(path: string): Promise<readonly AuditEvent[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as AuditEvent)
}

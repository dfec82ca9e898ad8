import type { Generated } from 'kysely'

/**
 * The tables as queries see them. A row's columns are its keys and what questions are asked by; the whole row is the
 * canonical JSON in `body`, so a new optional field of a row needs no migration.
 */
export interface StoreSchema {
  readonly settings: KeyedTable
  readonly sources: { name: string; body: string }
  readonly source_documents: { source: string; file: string; position: number; body: string }
  readonly sets: KeyedTable
  readonly applications: {
    id: string
    name: string
    cluster_id: string | null
    set_name: string | null
    source: string
    digest: string | null
    body: string
  }
  readonly clusters: { id: string; name: string; epoch: number; last_number: number; body: string }
  readonly join_tokens: IdentifiedTable
  readonly enrolments: { id: string; token_id: string; body: string }
  readonly documents: { cluster_id: string; key: string; epoch: number; n: number; digest: string | null; body: string }
  readonly grants: { id: string; cluster_id: string; state: string; body: string }
  readonly commands: { id: string; cluster_id: string; state: string; created_at: number; body: string }
  /** Every Bundle that a cluster was offered under its present admission. */
  readonly offered: { cluster_id: string; digest: string }
  readonly reports: {
    application_id: string
    cluster_id: string
    held: string | null
    last_succeeded: string | null
    /** Of the operation that it tells of. */
    operating: string | null
    body: string
  }
  readonly operations: {
    sequence: Generated<number>
    cluster_id: string
    id: string
    application_id: string
    digest: string
    /** When the hub first heard of it. */
    heard_at: number | null
    body: string
  }
  readonly render_memos: { key: string; digest: string }
  readonly bundles: { digest: string; body: string }
  readonly tokens: IdentifiedTable
  readonly sessions: { id: string; owner: string; body: string }
  readonly people: IdentifiedTable
  readonly signed_out: { id: string; until: number; body: string }
  readonly deletion_plans: IdentifiedTable
  readonly made_gates: IdentifiedTable
  readonly overrides: IdentifiedTable
  readonly calendars: { name: string; body: string }
  readonly alerts: IdentifiedTable
  readonly incidents: IdentifiedTable
  readonly messages: { id: string; state: string; body: string }
  readonly kept_answers: { principal: string; key: string; expires_at: number; body: string }
  readonly bulk_operations: { id: string; made_at: number; open: number; body: string }
  readonly bulk_items: { bulk: string; place: number; body: string }
  readonly audit: { sequence: Generated<number>; body: string }
  readonly activity: { sequence: Generated<number>; at: number; key: string | null; body: string }
}

interface KeyedTable {
  key: string
  body: string
}

interface IdentifiedTable {
  id: string
  body: string
}

/** Every table of ours, for counting and checking. */
export const STORE_TABLES = [
  'settings',
  'sources',
  'source_documents',
  'sets',
  'applications',
  'clusters',
  'join_tokens',
  'enrolments',
  'documents',
  'grants',
  'commands',
  'offered',
  'reports',
  'operations',
  'render_memos',
  'bundles',
  'tokens',
  'sessions',
  'people',
  'signed_out',
  'deletion_plans',
  'made_gates',
  'overrides',
  'calendars',
  'kept_answers',
  'bulk_operations',
  'bulk_items',
  'alerts',
  'incidents',
  'messages',
  'audit',
  'activity',
] as const satisfies readonly (keyof StoreSchema)[]

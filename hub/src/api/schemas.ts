import { HEALTH_STATUSES } from '@flotilla/core/model/status'
import { CLUSTER_STATES, type ClusterState } from '@flotilla/core/view/cluster-states'
import { z } from 'zod'
import { recoveryStateSchema } from './schemas-of-recovery.ts'

/** The shapes that the API answers with. Tests hold every answer against them. */

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC', example: '2030-01-01T12:00:00.000Z' })
const labels = z.record(z.string(), z.string())
const anyObject = z.record(z.string(), z.unknown())

const sync = z.enum(['Synced', 'OutOfSync', 'Unknown'])
const health = z.enum(HEALTH_STATUSES)

export const operationSchema = z
  .strictObject({
    id: z.string(),
    phase: z.enum(['Running', 'Paused', 'Terminating', 'Succeeded', 'Failed', 'Error']),
    trigger: z.string(),
    by: z.string(),
    revision: z.string(),
    message: z.string(),
    startedAt: time,
    finishedAt: time.nullable(),
    attempts: z.int().meta({ description: 'How often it was tried.' }),
    resumesAt: time.nullable().meta({ description: 'When a gate opens, or the next attempt begins.' }),
    stalled: z
      .strictObject({ since: time, blocking: z.array(z.strictObject({ object: z.string(), message: z.string() })) })
      .optional()
      .meta({ description: 'What it has waited for without any change.' }),
    failedHooks: z
      .array(
        z.strictObject({
          object: z.string(),
          phase: z.string(),
          message: z.string(),
          reason: z.string().meta({ description: 'Why its container ended: Error, OOMKilled.' }),
          exitCode: z.int().nullable(),
          pod: z.string(),
          lastLines: z.array(z.string()),
        }),
      )
      .optional()
      .meta({ description: 'Hooks that failed, values of Secrets masked; /operations/{id} has more of their logs.' }),
  })
  .meta({ id: 'Operation' })

export const holdSchema = z
  .strictObject({
    code: z.string(),
    reason: z.string(),
    nextOpening: time.nullable(),
    blockers: z
      .array(
        z.strictObject({
          rule: z.string(),
          ruleId: z.string(),
          kind: z.enum(['SyncWindow', 'FreezePeriod']),
          code: z.string(),
          reason: z.string(),
          opensAt: time.nullable(),
        }),
      )
      .optional()
      .meta({ description: 'Of gates: everything that holds, and when each lets go.' }),
    at: z.strictObject({ file: z.string(), line: z.int(), column: z.int() }).nullable(),
  })
  .meta({ id: 'Hold', description: 'Why the Application is not released, and when it next may be.' })

const interventionFields = {
  id: z.string(),
  by: z.string(),
  since: time,
  until: time.nullable(),
  reason: z.string(),
}

export const applicationSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    state: z.enum(['active', 'withdrawn', 'orphaned']),
    project: z.string(),
    cluster: z.string().meta({ description: 'Empty while the destination could not be resolved.' }),
    environment: z.string().nullable(),
    namespace: z.string(),
    set: z.string().nullable(),
    labels,
    source: anyObject.nullable(),
    revision: z.string().nullable(),
    digest: z.string().nullable().meta({ description: 'Of the Bundle; a stand-in where it holds Secrets.' }),
    sync: z.strictObject({ status: sync, message: z.string().optional() }),
    health: z.strictObject({ status: health, since: time.nullable(), message: z.string().optional() }),
    hold: holdSchema.nullable(),
    removal: z
      .strictObject({ since: time, policy: z.enum(['prune', 'detach']), plan: z.string().nullable() })
      .nullable()
      .meta({ description: 'Of a withdrawn one: since when nobody wants it, and what becomes of its objects.' }),
    heldPrunes: z
      .strictObject({ count: z.int(), digest: z.string(), reason: z.string() })
      .nullable()
      .meta({ description: 'Prunes that wait for a person; the digest is of exactly these objects.' }),
    conditions: z
      .array(z.strictObject({ type: z.enum(['OrphanedResourceWarning']), message: z.string() }))
      .meta({ description: 'What somebody should know, and what changes neither sync status nor health.' }),
    interventions: z
      .array(
        z.discriminatedUnion('kind', [
          z.strictObject({
            ...interventionFields,
            kind: z.literal('pin'),
            origin: z.enum(['pin', 'rollback', 'sync']),
            revision: z.string(),
            asked: z.string().nullable(),
          }),
          z.strictObject({ ...interventionFields, kind: z.literal('pause') }),
        ]),
      )
      .meta({ description: 'What people have laid over what Git says: owner, reason and end.' }),
    operation: operationSchema.nullable(),
    agent: z.strictObject({
      connected: z.boolean(),
      silent: z.boolean(),
      lastSeen: time.nullable().meta({ description: 'To the minute.' }),
    }),
    images: z.array(z.string()),
    provenance: anyObject,
    createdAt: time,
    changedAt: time,
  })
  .meta({ id: 'Application' })

export const APPLICATION_FIELDS = Object.keys(applicationSchema.shape)

export const tallySchema = z
  .strictObject({
    total: z.int(),
    held: z.int(),
    sync: z.record(sync, z.int()),
    health: z.record(health, z.int()),
  })
  .meta({ id: 'Tally' })

export const clusterSchema = z
  .strictObject({
    name: z.string(),
    id: z.string().nullable(),
    declared: z.boolean(),
    registered: z.boolean().meta({ description: 'Approved from a pending token; no document declares it.' }),
    environment: z.string().nullable(),
    labels,
    timeZone: z.string().nullable(),
    servers: z.array(z.string()),
    local: z.boolean(),
    joined: z.boolean(),
    admission: z.int(),
    joinedAt: time.nullable(),
    revokedAt: time.nullable(),
    uid: z.string().nullable().meta({ description: 'UID of its namespace kube-system.' }),
    keySince: time.nullable().meta({ description: "Since when the agent's key is this one." }),
    cloned: z
      .strictObject({
        since: time,
        why: z.enum(['one-incarnation', 'overtakings']),
        instances: z.array(z.strictObject({ incarnation: z.int(), instance: z.string(), lastHeard: time })),
      })
      .nullable()
      .meta({ description: 'Two agents speak for it: no Grants until one of them is admitted anew.' }),
    agent: z.strictObject({
      connected: z.boolean(),
      silent: z.boolean(),
      lastSeen: time.nullable(),
      incarnation: z.int(),
      versions: labels,
    }),
    applications: tallySchema,
  })
  .meta({ id: 'Cluster' })

const shownStateSchema = z
  .strictObject({
    code: z.enum(Object.keys(CLUSTER_STATES) as [ClusterState, ...ClusterState[]]),
    tone: z.enum(['good', 'note', 'warning', 'bad']),
    meaning: z.string(),
    mend: z.string(),
  })
  .meta({ id: 'ClusterState', description: 'A state, what it means, and what to do.' })

export const clusterWithStatesSchema = clusterSchema
  .extend({
    states: z.array(shownStateSchema).meta({ description: 'The most urgent first.' }),
    clockSkewMs: z
      .int()
      .nullable()
      .meta({ description: 'The clock of its agent’s machine less the hub’s; null while no agent says.' }),
  })
  .meta({ id: 'ClusterWithStates' })

export const applicationSetSchema = z
  .strictObject({
    name: z.string(),
    source: z.string(),
    expandedAt: time,
    generators: z.array(anyObject),
    errors: z.array(anyObject),
    conditions: z.array(anyObject).meta({ description: "Argo CD's, and Ready: True when nothing is aged or waits." }),
    health: anyObject.nullable(),
    removedAt: time.nullable().meta({ description: 'Since when its document is gone, while Applications are left.' }),
    applications: tallySchema,
  })
  .meta({ id: 'ApplicationSet' })

const removalCount = { removed: z.int(), total: z.int() }
const removalPolicy = z.enum(['prune', 'detach'])

export const deletionSchema = z
  .strictObject({
    id: z.string(),
    kind: z.literal('deletion'),
    state: z.enum(['held', 'rejected', 'approved', 'superseded']),
    cause: z.enum(['shrink', 'set-removed']),
    set: z.string().nullable().meta({ description: 'Null for Applications written by hand.' }),
    source: z.string(),
    reason: z.string(),
    since: time,
    digest: z.string().meta({ description: 'Of the list; as If-Match it makes sure that this list is decided on.' }),
    count: z.strictObject(removalCount),
    projects: z.array(z.strictObject({ project: z.string(), ...removalCount })),
    clusters: z.int(),
    applications: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        project: z.string(),
        cluster: z.string(),
        namespace: z.string(),
        policy: removalPolicy.meta({ description: 'prune: its objects are deleted; detach: they stay.' }),
      }),
    ),
    decision: z.strictObject({ by: z.string(), at: time, reason: z.string() }).nullable(),
  })
  .meta({ id: 'Deletion', description: 'Applications that would go, and wait for a person.' })

const confirmationFields = {
  id: z.string(),
  reason: z.string(),
  since: time,
  decision: z.strictObject({ by: z.string(), at: time, reason: z.string() }).nullable(),
}

export const adoptionSchema = z
  .strictObject({
    ...confirmationFields,
    kind: z.literal('adoption'),
    state: z.enum(['held', 'rejected', 'approved']),
    scope: z.strictObject({ kind: z.enum(['set', 'project', 'application']), name: z.string() }),
    objects: z.array(z.strictObject({ tool: z.string(), count: z.int() })),
    applications: z.array(z.strictObject({ name: z.string(), project: z.string(), cluster: z.string() })),
  })
  .meta({ id: 'Adoption', description: 'Objects of other tools that would become ours, and wait for a person.' })

export const pruneSchema = z
  .strictObject({
    ...confirmationFields,
    kind: z.literal('prune'),
    state: z.enum(['held', 'approved']),
    application: z.string(),
    project: z.string(),
    cluster: z.string(),
    count: z.int(),
    digest: z.string().meta({ description: 'Of exactly these objects.' }),
    removal: z.boolean().meta({ description: 'The Application itself is being removed.' }),
    operation: z.string().nullable().meta({ description: 'To follow, once it is approved.' }),
  })
  .meta({ id: 'HeldPrune', description: 'Objects that a sync or a removal would delete, and that wait for a person.' })

export const confirmationSchema = z
  .discriminatedUnion('kind', [deletionSchema, adoptionSchema, pruneSchema])
  .meta({ id: 'Confirmation' })

export const sourceSchema = z
  .strictObject({
    name: z.string(),
    repository: z.string(),
    revision: z.string(),
    path: z.string(),
    commit: z.string().nullable(),
    loadedAt: time.nullable(),
    seenCommit: z.string().nullable(),
    seenAt: time.nullable(),
    stale: z.boolean(),
    error: z.strictObject({ code: z.string(), message: z.string(), since: time }).nullable(),
    diagnostics: z.array(anyObject),
    documentCount: z.int().meta({ description: 'How many documents are in force.' }),
    documents: z.array(anyObject).meta({ description: 'Documents that are not in force as written: which, and why.' }),
  })
  .meta({ id: 'Source' })

export const repositorySchema = z
  .strictObject({
    url: z.string(),
    applications: z.int(),
    sources: z.array(z.string()),
    fetchedAt: time.nullable(),
    error: z.strictObject({ code: z.string(), message: z.string(), since: time }).nullable(),
  })
  .meta({ id: 'Repository' })

export const fleetSchema = z
  .strictObject({
    applications: tallySchema,
    projects: z.record(z.string(), tallySchema),
    clusters: z.record(z.string(), tallySchema),
    environments: z.record(z.string(), tallySchema),
    agents: z.strictObject({
      total: z.int(),
      connected: z.int(),
      silent: z.array(z.strictObject({ cluster: z.string(), lastSeen: time.nullable() })),
    }),
    frozen: z.array(anyObject).meta({ description: 'Gates that are closed now.' }),
    recovery: z
      .strictObject({ state: recoveryStateSchema, since: time.nullable() })
      .nullable()
      .meta({ description: 'Whether the hub may trust its own store; null for whoever may not `get` the hub.' }),
  })
  .meta({ id: 'Fleet' })

export const historyEntrySchema = operationSchema
  .extend({
    digest: z.string().nullable(),
    durationMs: z.int().nullable().meta({ description: 'From its start to its end, attempts and pauses included.' }),
    results: z.array(anyObject),
    resultsCut: z.int(),
  })
  .meta({ id: 'HistoryEntry' })

export const manifestsSchema = z
  .strictObject({
    revision: z.string().nullable(),
    digest: z.string().nullable(),
    items: z.array(anyObject).meta({ description: "Kubernetes objects; Secrets' values are masked." }),
  })
  .meta({ id: 'Manifests' })

export const joinTokenSchema = z
  .strictObject({ id: z.string(), cluster: z.string(), token: z.string(), expiresAt: time })
  .meta({ id: 'JoinToken', description: 'The token is shown this once.' })

export const whoamiSchema = z
  .strictObject({
    name: z.string(),
    role: z.enum(['admin', 'readonly', 'own']).meta({ description: 'own: what the policy gives.' }),
    kind: z.enum(['person', 'robot']).meta({ description: 'Programs approve nothing.' }),
    tokenId: z.string(),
    by: z.enum(['token', 'project-token', 'session', 'id-token', 'anonymous']),
    subject: z.string().meta({ description: 'By what rows of a policy name whoever this is.' }),
    groups: z.array(z.string()),
    policyVersion: z.string(),
    teams: z.array(z.string()).meta({ description: 'Of which the caller is one of the people.' }),
    rights: z
      .array(
        z.strictObject({
          resource: z.string(),
          actions: z.array(z.strictObject({ action: z.string(), on: z.enum(['all', 'some']) })),
        }),
      )
      .meta({ description: 'What may be done, with all of a resource or with some of it; each answer is asked anew.' }),
    csrfToken: z.string().nullable().meta({ description: 'For X-CSRF-Token, where a cookie has proved who asks.' }),
    expiresAt: time.nullable(),
  })
  .meta({ id: 'WhoAmI' })

export const versionSchema = z.strictObject({ version: z.string(), api: z.array(z.string()) }).meta({ id: 'Version' })

export const readinessSchema = z
  .strictObject({
    ready: z.boolean(),
    checks: z.array(z.strictObject({ name: z.string(), ready: z.boolean(), message: z.string().optional() })),
  })
  .meta({ id: 'Readiness' })

export const acceptedSchema = z.strictObject({ status: z.literal('accepted') }).meta({ id: 'Accepted' })

export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string().optional(),
    errors: z
      .array(z.strictObject({ pointer: z.string(), message: z.string(), hint: z.string().optional() }))
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' })

/** One page of a list. */
export function pageOfSchema(item: z.ZodType) {
  return z.strictObject({
    items: z.array(item),
    total: z.int().meta({ description: 'On all pages.' }),
    next: z.string().nullable().meta({ description: 'The cursor of the next page; null on the last.' }),
  })
}

const WHOLE = new WeakMap<z.ZodType, z.ZodType>()

const pickedSchema = z.record(z.string(), z.unknown()).meta({
  id: 'PickedFields',
  description: 'With `fields`: these alone, each as it is in the whole.',
  // The client's types are of what is asked without it.
  'x-flotilla-with': 'fields',
})

/** One page of a feed, of which fields may be picked; more of its own may be beside. */
export function feedSchema(item: z.ZodType, more: z.ZodRawShape = {}) {
  const next = z.string().nullable().meta({ description: 'The cursor of the next page; null on the last.' })
  const total = z.int().nullable().meta({
    description: 'How many pass and may be seen, on all pages; null where counting would take looking at too many.',
  })
  const schema = z.strictObject({ items: z.array(z.union([item, pickedSchema])), total, next, ...more })
  WHOLE.set(schema, z.strictObject({ items: z.array(item), total, next, ...more }))
  return schema
}

/** One page of a list of which fields may be picked. */
export function listSchema(item: z.ZodType) {
  const schema = pageOfSchema(z.union([item, pickedSchema]))
  WHOLE.set(schema, pageOfSchema(item))
  return schema
}

/** What such a list answers where nothing is picked; anything else as it is. */
export function wholeSchema(schema: z.ZodType): z.ZodType {
  return WHOLE.get(schema) ?? schema
}

import type { EnrolmentRow } from '@flotilla/core/ports/store'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { agentObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import type { ApprovalOutcome } from '../../gateway/cluster-admissions.ts'
import { isClusterName } from '../../gateway/proposed-names.ts'
import { admissionObject, admissionsOf } from '../admissions.ts'
import { labelsInput, labelsOutput } from '../cluster-labels.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

const time = z.iso.datetime()
const reason = z.string().max(1000).optional().meta({ description: 'For the audit log.' })
const identified = z.strictObject({ id: nameParameter })
const clusterName = z.string().refine(isClusterName, {
  error: 'the name of a Cluster: small letters, digits, "-" and ".", at most 63',
})

const enrolmentSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['pending', 'replacement', 'return']).meta({
      description:
        'pending: by a token for many; replacement: the name belongs to another key or cluster; return: this hub has forgotten it',
    }),
    state: z.enum(['waiting', 'approved', 'rejected']),
    cluster: z.string().nullable().meta({ description: 'The name that its token is for.' }),
    proposedName: z.string().nullable(),
    proposedLabels: labelsOutput,
    uid: z.string().meta({ description: 'UID of the namespace kube-system, as the agent says.' }),
    present: z
      .strictObject({ name: z.string(), uid: z.string().nullable(), kid: z.string().nullable() })
      .nullable()
      .meta({ description: 'Who has that name now: what an approval with replace ends.' }),
    sameUid: z.array(z.string()).meta({ description: 'Clusters that joined with this very UID.' }),
    kid: z.string().meta({ description: "Of the agent's key." }),
    token: z.string().meta({ description: 'Id of its join token.' }),
    address: z.string(),
    versions: labelsOutput,
    requestedAt: time,
    askedAt: time.meta({ description: 'When it last asked, to the hour.' }),
    decision: z.strictObject({ by: z.string(), at: time, reason: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Enrolment', description: 'An agent that asks to be admitted, and waits for a person.' })

const enrolments = listOf<z.input<typeof enrolmentSchema>>({
  name: 'enrolments',
  item: enrolmentSchema,
  sorts: {
    requestedAt: ({ requestedAt }) => requestedAt,
    askedAt: ({ askedAt }) => askedAt,
    cluster: ({ cluster, proposedName }) => cluster ?? proposedName ?? '',
    state: ({ state }) => state,
  },
  sort: 'requestedAt',
  idOf: ({ id }) => id,
  words: [
    'id, cluster, proposed name, UID, key, token or address',
    ({ id, cluster, proposedName, uid, kid, token, address }) => [
      ...[id, cluster, proposedName, uid, kid, token, address],
    ],
  ],
})

/** Agents that ask to be admitted, and what a person decides of each. */
export const enrolmentRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/enrolments',
    id: 'listEnrolments',
    tag: 'clusters',
    summary: 'Agents that ask to be admitted',
    access: each('agents', 'get'),
    query: z.strictObject({
      state: z.enum(['waiting', 'approved', 'rejected', 'all']).default('waiting'),
      ...enrolments.query,
    }),
    answers: { 200: { description: 'A page.', schema: enrolments.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { state } = query
      const rights = rightsOf(caller, context)
      const found = await context.services.store.read(async rows => {
        const rowsOfState = (await rows.enrolments()).filter(row => state === 'all' || row.state === state)
        const clusters = (await rows.clusters()).filter(({ name }) => rights.sees(agentObject(name)))
        return rowsOfState.filter(row => rights.sees(admissionObject(row))).map(row => shownEnrolment(row, clusters))
      })
      return json(200, enrolments.page(found, query, state))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/enrolments/{id}',
    id: 'getEnrolment',
    tag: 'clusters',
    summary: 'One agent that asks to be admitted',
    access: one('agents', 'get'),
    parameters: identified,
    answers: { 200: { description: 'The enrolment.', schema: enrolmentSchema } },
    handle: async ({ path }, caller, context) => json(200, await enrolmentById(path.id, caller, context)),
  }),
  route({
    method: 'post',
    path: '/api/v1/enrolments/{id}/reject',
    id: 'rejectEnrolment',
    ifMatch: 'getEnrolment',
    tag: 'clusters',
    summary: 'An agent that asks is not admitted by this token',
    access: one('agents', 'register'),
    parameters: identified,
    body: z.strictObject({ reason }).meta({ id: 'RejectEnrolmentRequest' }),
    answers: { 200: { description: 'The enrolment.', schema: enrolmentSchema } },
    problems: ['ENROLMENT_DECIDED'],
    async handle({ path, body }, caller, context) {
      await requireEnrolment(path.id, caller, context)
      const rejected = await admissionsOf(context).reject(path.id, caller.name, body.reason)
      if (!rejected) throw new Problem('NOT_FOUND')
      if (rejected.state !== 'rejected') throw new Problem('ENROLMENT_DECIDED')
      return json(200, await enrolmentById(path.id, caller, context))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/clusters/{name}/approve',
    id: 'approveCluster',
    tag: 'clusters',
    summary: 'An agent that waits is admitted under this name',
    access: one('agents', 'register'),
    parameters: z.strictObject({ name: clusterName }),
    body: z
      .strictObject({
        enrolment: nameParameter.optional().meta({ description: 'Which one; without it the only one for this name.' }),
        replace: z.boolean().default(false).meta({ description: 'Ends the agent that has the name now.' }),
        labels: labelsInput.optional().meta({
          description:
            'Of a Cluster that no document declares, instead of those that the agent proposes; the labels of its token stand above them.',
        }),
      })
      .meta({ id: 'ApproveClusterRequest' }),
    answers: { 200: { description: 'The enrolment, approved.', schema: enrolmentSchema } },
    problems: ['CLUSTER_TAKEN', 'ENROLMENT_DECIDED', 'ENROLMENT_AMBIGUOUS', 'ENROLMENT_OTHER_NAME'],
    async handle({ path, body }, caller, context) {
      const { enrolment, replace, labels } = body
      rightsOf(caller, context).require('register', agentObject(path.name))
      if (enrolment !== undefined) await requireEnrolment(enrolment, caller, context)
      const outcome = await admissionsOf(context).approve({
        name: path.name,
        replace,
        by: caller.name,
        ...(enrolment !== undefined && { enrolment }),
        ...(labels && { labels }),
      })
      if (outcome.kind !== 'approved') throw problemOf(outcome, path.name)
      return json(200, await enrolmentById(outcome.enrolment.id, caller, context))
    },
  }),
]

/** @throws Problem `NOT_FOUND` when there is none, or none that the caller may see. */
async function enrolmentById(id: string, caller: Caller, context: Context) {
  const rights = rightsOf(caller, context)
  const shown = await context.services.store.read(async rows => {
    const row = await rows.enrolment(id)
    const clusters = (await rows.clusters()).filter(({ name }) => rights.sees(agentObject(name)))
    return row && rights.sees(admissionObject(row)) ? shownEnrolment(row, clusters) : undefined
  })
  if (!shown) throw new Problem('NOT_FOUND')
  return shown
}

/** Lets pass who may decide on it. @throws Problem `NOT_FOUND`, `FORBIDDEN` */
async function requireEnrolment(id: string, caller: Caller, context: Context): Promise<void> {
  const row = await context.services.store.read(rows => rows.enrolment(id))
  rightsOf(caller, context).require('register', row ? admissionObject(row) : agentObject(''))
  if (!row) throw new Problem('NOT_FOUND')
}

function problemOf(outcome: Exclude<ApprovalOutcome, { readonly kind: 'approved' }>, name: string): Problem {
  switch (outcome.kind) {
    case 'decided':
      return new Problem('ENROLMENT_DECIDED')
    case 'other-name':
      return new Problem('ENROLMENT_OTHER_NAME', { detail: `Its token is for "${outcome.enrolment.clusterName}".` })
    case 'taken': {
      const { cluster, enrolment } = outcome
      const detail = `"${name}" is the cluster with UID ${cluster.uid ?? 'unknown'}; the one that asks has UID ${enrolment.uid}. Approve with replace to end the agent that has the name.`
      return new Problem('CLUSTER_TAKEN', { detail })
    }
    case 'unknown': {
      if (outcome.candidates.length === 0) return new Problem('NOT_FOUND')
      const ids = outcome.candidates.map(({ id }) => id).join(', ')
      return new Problem('ENROLMENT_AMBIGUOUS', { detail: `Say which one is meant: ${ids}.` })
    }
  }
}

type ClusterRows = readonly {
  readonly id: string
  readonly name: string
  readonly uid?: string
  readonly agentKey?: string
  readonly revokedAt?: number
}[]

function shownEnrolment(row: EnrolmentRow, clusters: ClusterRows) {
  const { id, kind, state, uid, versions, address, proposedLabels, decision } = row
  const wanted = row.clusterName ?? row.proposedName
  const present = clusters.find(
    ({ name, agentKey, revokedAt }) => name === wanted && agentKey && revokedAt === undefined,
  )
  return {
    id,
    kind,
    state,
    cluster: row.clusterName ?? clusters.find(cluster => cluster.id === row.clusterId)?.name ?? null,
    proposedName: row.proposedName ?? null,
    proposedLabels,
    uid,
    present:
      state === 'waiting' && present
        ? {
            name: present.name,
            uid: present.uid ?? null,
            kid: present.agentKey === undefined ? null : keyThumbprint(present.agentKey),
          }
        : null,
    sameUid: clusters.filter(cluster => cluster.uid === uid && cluster.id !== row.clusterId).map(({ name }) => name),
    kid: keyThumbprint(row.key),
    token: row.tokenId,
    address,
    versions,
    requestedAt: isoTime(row.requestedAt),
    askedAt: isoTime(row.askedAt),
    decision: decision ? { by: decision.by, at: isoTime(decision.at), reason: decision.reason ?? null } : null,
  }
}

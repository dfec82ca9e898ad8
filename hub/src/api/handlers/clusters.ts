import type { AccessObject } from '@flotilla/core/access/object'
import type { EnrolmentRow, JoinTokenRow } from '@flotilla/core/ports/store'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { agentObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { all, each, one } from '../../access/route-access.ts'
import type { ApprovalOutcome } from '../../gateway/cluster-admissions.ts'
import { isClusterName, readLabels } from '../../gateway/proposed-names.ts'
import type { HubKeysShown } from '../../gateway/rotate-hub-key.ts'
import { pageOfList } from '../page-of-list.ts'
import { cursorParameter, limitParameter, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { clusterSchema, pageOfSchema } from '../schemas.ts'
import type { Caller } from '../tokens.ts'

const DAY_SECONDS = 24 * 60 * 60
const time = z.iso.datetime()
const labelsInput = z
  .record(z.string().max(317), z.string().max(63))
  .refine(labels => readLabels(labels) !== undefined, { error: 'at most 50 labels, as Kubernetes has them' })
const labelsOutput = z.record(z.string(), z.string())
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

const tokenSchema = z
  .strictObject({
    id: z.string(),
    cluster: z.string().nullable(),
    pending: z.strictObject({ labels: labelsOutput, max: z.int(), asked: z.int() }).nullable(),
    state: z.enum(['open', 'used', 'expired', 'revoked']),
    createdAt: time,
    createdBy: z.string().nullable(),
    expiresAt: time,
  })
  .meta({
    id: 'JoinTokenRecord',
    description: 'A join token, without its secret, which nobody has but who was given it.',
  })

const pendingTokenSchema = z
  .strictObject({ id: z.string(), token: z.string(), labels: labelsOutput, max: z.int(), expiresAt: time })
  .meta({ id: 'PendingJoinToken', description: 'The token is shown this once.' })

const hubKeysSchema = z
  .strictObject({
    keys: z.array(z.strictObject({ kid: z.string(), since: time, state: z.enum(['announced', 'signing', 'retired']) })),
    waitingFor: z.array(z.string()).meta({ description: 'Clusters that do not know the announced key yet.' }),
  })
  .meta({ id: 'HubKeys' })

/** Who is a cluster of this fleet, and by which keys its hub speaks. */
export const clusterRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/join-tokens',
    id: 'listJoinTokens',
    tag: 'clusters',
    summary: 'Join tokens that were made, without their secrets',
    access: each('agents', 'register'),
    query: z.strictObject({ limit: limitParameter, cursor: cursorParameter }),
    answers: { 200: { description: 'A page.', schema: pageOfSchema(tokenSchema) } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { services, now } = context
      const rights = rightsOf(caller, context)
      const items = await services.store.read(async rows => {
        const asked = new Map<string, number>()
        for (const { tokenId } of await rows.enrolments()) asked.set(tokenId, (asked.get(tokenId) ?? 0) + 1)
        const seen = (await rows.joinTokens()).filter(token => rights.may('register', tokenObject(token)))
        return seen.map(token => shownToken(token, asked.get(token.id) ?? 0, now))
      })
      return json(
        200,
        pageOfList('join-tokens', items, ({ id }) => id, query),
      )
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/join-tokens',
    id: 'createPendingJoinToken',
    secretAnswer: true,
    tag: 'clusters',
    summary: 'A token with which many clusters ask to join; each waits for approval',
    access: all('agents', 'register'),
    body: z
      .strictObject({
        labels: labelsInput.default({}).meta({ description: 'Of Clusters that become so by it.' }),
        max: z.int().min(1).max(100_000).meta({ description: 'How many agents may ask with it.' }),
        expiresInSeconds: z
          .int()
          .min(60)
          .max(30 * DAY_SECONDS)
          .default(7 * DAY_SECONDS),
      })
      .meta({ id: 'PendingJoinTokenRequest' }),
    answers: { 201: { description: 'The token, shown this once.', schema: pendingTokenSchema } },
    async handle({ body }, caller, { services }) {
      const { labels, max, expiresInSeconds } = body
      const wish = { labels, max, expiresInMs: expiresInSeconds * 1000, by: caller.name }
      const made = await services.actions.createPendingToken?.(wish)
      if (!made) throw new Problem('UNAVAILABLE')
      const { id, token, expiresAt } = made
      return json(201, { id, token, labels, max, expiresAt: isoTime(expiresAt) }, { 'Cache-Control': 'no-store' })
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/join-tokens/{id}/revoke',
    id: 'revokeJoinToken',
    tag: 'clusters',
    summary: 'A join token is good no more, for those who wait by it too',
    access: one('agents', 'register'),
    parameters: identified,
    answers: { 200: { description: 'The token.', schema: tokenSchema } },
    async handle({ path }, caller, context) {
      const { store } = context.services
      const token = (await store.read(rows => rows.joinTokens())).find(({ id }) => id === path.id)
      rightsOf(caller, context).require('register', token ? tokenObject(token) : agentObject(''))
      const revoked = await admissionsOf(context).revokeToken(path.id, caller.name)
      if (!revoked) throw new Problem('NOT_FOUND')
      const asked = (await store.read(rows => rows.enrolments(path.id))).length
      return json(200, shownToken(revoked, asked, context.now))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/enrolments',
    id: 'listEnrolments',
    tag: 'clusters',
    summary: 'Agents that ask to be admitted',
    access: each('agents', 'get'),
    query: z.strictObject({
      state: z.enum(['waiting', 'approved', 'rejected', 'all']).default('waiting'),
      limit: limitParameter,
      cursor: cursorParameter,
    }),
    answers: { 200: { description: 'A page.', schema: pageOfSchema(enrolmentSchema) } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { state, ...page } = query
      const rights = rightsOf(caller, context)
      const found = await context.services.store.read(async rows => {
        const rowsOfState = (await rows.enrolments()).filter(row => state === 'all' || row.state === state)
        const clusters = (await rows.clusters()).filter(({ name }) => rights.sees(agentObject(name)))
        return rowsOfState.filter(row => rights.sees(enrolmentObject(row))).map(row => shownEnrolment(row, clusters))
      })
      return json(
        200,
        pageOfList(`enrolments/${state}`, found, ({ id }) => id, page),
      )
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
  route({
    method: 'post',
    path: '/api/v1/clusters/{name}/revoke',
    id: 'revokeCluster',
    ifMatch: 'getCluster',
    tag: 'clusters',
    summary: "A cluster's agent is refused from now on; its workload stays as it is",
    access: one('agents', 'revoke'),
    parameters: z.strictObject({ name: nameParameter }),
    body: z.strictObject({ reason }).meta({ id: 'RevokeClusterRequest' }),
    answers: { 200: { description: 'The cluster.', schema: clusterSchema } },
    async handle({ path, body }, caller, context) {
      const { store, view, clock } = context.services
      rightsOf(caller, context).require('revoke', agentObject(path.name))
      const outcome = await admissionsOf(context).revoke(path.name, caller.name, body.reason)
      if (outcome.kind === 'unknown') throw new Problem('NOT_FOUND')
      await view.refresh(store, { clusters: [path.name] }, () => clock.now())
      const shown = view.cluster(path.name, context.now, context.visible)
      if (shown === undefined) throw new Problem('NOT_FOUND')
      return json(200, shown)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/hub/keys',
    id: 'listHubKeys',
    tag: 'system',
    summary: 'The keys by which this hub has ever signed',
    access: all('hub', 'get'),
    answers: { 200: { description: 'Oldest first.', schema: hubKeysSchema } },
    async handle(_input, _caller, { services }) {
      const { hubKeys } = services
      if (!hubKeys) throw new Problem('UNAVAILABLE')
      return json(200, shownKeys(await hubKeys.show()))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/hub/keys/rotate',
    id: 'rotateHubKey',
    tag: 'system',
    summary: 'Announce a new signing key; it signs once every cluster knows it, or now',
    access: all('hub', 'update'),
    body: z
      .strictObject({
        force: z.boolean().default(false).meta({ description: 'Sign with it now, whoever does not know it yet.' }),
      })
      .meta({ id: 'RotateHubKeyRequest' }),
    answers: { 200: { description: 'The keys.', schema: hubKeysSchema } },
    problems: ['HUB_KEY_ANNOUNCED'],
    async handle({ body }, caller, { services }) {
      const { hubKeys } = services
      if (!hubKeys) throw new Problem('UNAVAILABLE')
      const outcome = await hubKeys.rotate(caller.name, body.force)
      if (outcome.kind === 'waiting') {
        const { waitingFor } = outcome.shown
        const some = waitingFor.slice(0, 10).join(', ')
        const more = waitingFor.length > 10 ? ` and ${waitingFor.length - 10} more` : ''
        throw new Problem('HUB_KEY_ANNOUNCED', {
          detail: `These clusters do not know the announced key yet: ${some}${more}.`,
        })
      }
      return json(200, shownKeys(outcome.shown))
    },
  }),
]

function admissionsOf({ services }: Context) {
  if (!services.admissions) throw new Problem('UNAVAILABLE')
  return services.admissions
}

/** @throws Problem `NOT_FOUND` when there is none, or none that the caller may see. */
async function enrolmentById(id: string, caller: Caller, context: Context) {
  const rights = rightsOf(caller, context)
  const shown = await context.services.store.read(async rows => {
    const row = await rows.enrolment(id)
    const clusters = (await rows.clusters()).filter(({ name }) => rights.sees(agentObject(name)))
    return row && rights.sees(enrolmentObject(row)) ? shownEnrolment(row, clusters) : undefined
  })
  if (!shown) throw new Problem('NOT_FOUND')
  return shown
}

/** Lets pass who may decide on it. @throws Problem `NOT_FOUND`, `FORBIDDEN` */
async function requireEnrolment(id: string, caller: Caller, context: Context): Promise<void> {
  const row = await context.services.store.read(rows => rows.enrolment(id))
  rightsOf(caller, context).require('register', row ? enrolmentObject(row) : agentObject(''))
  if (!row) throw new Problem('NOT_FOUND')
}

/** One without any name yet is for whoever has the right on all of them. */
function enrolmentObject({ clusterName, proposedName }: EnrolmentRow): AccessObject {
  return agentObject(clusterName ?? proposedName ?? EVERY_CLUSTER)
}

function tokenObject({ clusterName }: JoinTokenRow): AccessObject {
  return agentObject(clusterName ?? EVERY_CLUSTER)
}

const EVERY_CLUSTER = '*'

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

function shownToken(token: JoinTokenRow, asked: number, now: number) {
  const state =
    token.revokedAt !== undefined
      ? 'revoked'
      : token.usedAt !== undefined
        ? 'used'
        : now >= token.expiresAt
          ? 'expired'
          : 'open'
  return {
    id: token.id,
    cluster: token.clusterName ?? null,
    pending: token.pending ? { ...token.pending, asked } : null,
    state,
    createdAt: isoTime(token.createdAt),
    createdBy: token.createdBy ?? null,
    expiresAt: isoTime(token.expiresAt),
  }
}

function shownKeys({ keys, waitingFor }: HubKeysShown) {
  return { keys: keys.map(({ kid, since, state }) => ({ kid, since: isoTime(since), state })), waitingFor }
}

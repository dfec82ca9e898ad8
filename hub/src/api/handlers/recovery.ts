import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { all } from '../../access/route-access.ts'
import { readRecoveryProgress } from '../../recovery/recovery-list.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import { recoveredSchema, recoverySchema } from '../schemas-of-recovery.ts'

const acknowledgeBody = z.strictObject({
  digest: z.string().meta({ description: 'Of the list that was looked at.' }),
})

export const recoveryRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/recovery',
    id: 'getRecovery',
    tag: 'system',
    summary: 'Whether the hub may trust its own store, and the list that is acknowledged after a recovery',
    access: all('hub', 'get'),
    answers: { 200: { description: 'How it stands.', schema: recoverySchema } },
    handle: (_input, _caller, context) => shown(context),
  }),
  route({
    method: 'post',
    path: '/api/v1/recovery/recover',
    id: 'recoverHub',
    ifMatch: 'getRecovery',
    tag: 'system',
    summary: 'Begin a new epoch, when the hub is behind: join tokens, Tombstones and Grants are void',
    access: all('hub', 'update'),
    query: z.strictObject({
      force: z
        .enum(['true', 'false'])
        .optional()
        .meta({ description: 'Also when the hub has not found out by itself that it is behind.' }),
    }),
    answers: { 200: { description: 'What was done.', schema: recoveredSchema } },
    problems: ['RECOVERY_NOT_NEEDED'],
    async handle({ query }, caller, { services }) {
      const { recovery } = services
      if (!recovery || (!recovery.behind && query.force !== 'true')) throw new Problem('RECOVERY_NOT_NEEDED')
      return json(200, await recovery.recover(caller.name))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/recovery/acknowledge',
    id: 'acknowledgeRecovery',
    ifMatch: 'getRecovery',
    tag: 'system',
    summary: 'Let automated syncs go on after a recovery',
    access: all('hub', 'update'),
    body: acknowledgeBody,
    answers: { 200: { description: 'How it stands now.', schema: recoverySchema } },
    problems: ['RECOVERY_LIST_CHANGED', 'RECOVERY_NOT_NEEDED'],
    async handle({ body }, caller, context) {
      const answer = await context.services.recovery?.acknowledge(caller.name, body.digest)
      if (answer?.kind === 'changed') throw new Problem('RECOVERY_LIST_CHANGED')
      if (answer?.kind !== 'acknowledged') throw new Problem('RECOVERY_NOT_NEEDED')
      return await shown(context)
    },
  }),
]

async function shown({ services }: Context): Promise<Reply> {
  const { recovery, store } = services
  const state = recovery?.state ?? { kind: 'settled' as const }
  const list = await recovery?.list()
  const progress = await store.read(rows => readRecoveryProgress(rows))
  return json(200, {
    state: state.kind,
    since: state.kind === 'settled' ? null : isoTime(state.since),
    reason: state.kind === 'behind' ? state.reason : null,
    evidence: (state.kind === 'behind' && state.evidence) || null,
    epoch: state.kind === 'behind' ? null : (state.epoch ?? null),
    by: state.kind === 'recovered' ? state.by : null,
    progress: { total: progress.total, unproved: progress.unproved, unreported: progress.unreported },
    list: list ?? { clusters: [], interventions: [], digest: '' },
  })
}

import { isoTime } from '@flotilla/core/time/epoch-ms'
import { rightsOf } from '../../access/rights-of.ts'
import { all } from '../../access/route-access.ts'
import { subjectOf } from '../../sign-in/identity.ts'
import { json, type Route, route } from '../route.ts'
import { readinessSchema, versionSchema, whoamiSchema } from '../schemas.ts'
import { rightsJson } from './can.ts'

export const systemRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/healthz',
    id: 'healthz',
    tag: 'system',
    summary: 'Whether the process lives',
    access: 'public',
    answers: { 200: { description: 'It does.', contentType: 'text/plain' } },
    handle: () => ({ kind: 'text', status: 200, contentType: 'text/plain', body: 'ok\n' }),
  }),
  route({
    method: 'get',
    path: '/readyz',
    id: 'readyz',
    tag: 'system',
    summary: 'Whether the hub can do its work',
    access: 'public',
    answers: {
      200: { description: 'It can.', schema: readinessSchema },
      503: { description: 'It cannot; checks say why.', schema: readinessSchema },
    },
    async handle(_input, _caller, { services }) {
      const store = await services.store
        .read(rows => rows.setting('readyz'))
        .then(
          () => ({ name: 'store', ready: true }),
          (error: unknown) => {
            services.log.warn('store not ready', { error })
            return { name: 'store', ready: false, message: 'the store cannot be read' }
          },
        )
      const checks = [store, ...(services.readiness?.() ?? [])]
      const ready = checks.every(check => check.ready)
      return json(ready ? 200 : 503, { ready, checks })
    },
  }),
  route({
    method: 'get',
    path: '/version',
    id: 'version',
    tag: 'system',
    summary: "The hub's version",
    access: 'public',
    answers: { 200: { description: 'The version.', schema: versionSchema } },
    handle: (_input, _caller, { services }) => json(200, { version: services.settings.version, api: ['v1'] }),
  }),
  route({
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    tag: 'system',
    summary: 'Figures for Prometheus',
    access: all('hub', 'get'),
    answers: { 200: { description: 'Text exposition format.', contentType: 'text/plain' } },
    async handle(_input, _caller, { services }) {
      const { registry } = services.metrics
      return { kind: 'text', status: 200, contentType: registry.contentType, body: await registry.metrics() }
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/whoami',
    id: 'whoami',
    tag: 'system',
    summary: 'Whose token this is',
    access: 'known',
    answers: { 200: { description: 'The caller.', schema: whoamiSchema } },
    handle(_input, caller, context) {
      const rights = rightsOf(caller, context)
      const { name, role, kind, tokenId, expiresAt, principal, credential, csrf } = caller
      return json(200, {
        ...{ name, role: role === 'policy' ? 'own' : role, kind, tokenId, by: credential?.kind ?? 'token' },
        subject: subjectOf(principal),
        groups: principal.kind === 'person' ? [...principal.groups] : [],
        csrfToken: csrf ?? null,
        policyVersion: rights.inForce.version,
        teams: rights.inForce.policy.teams.all.flatMap(({ team }) => (rights.isOfTeam(team.name) ? team.name : [])),
        rights: rightsJson(rights),
        expiresAt: expiresAt === undefined ? null : isoTime(expiresAt),
      })
    },
  }),
]

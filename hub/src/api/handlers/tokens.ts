import { authorise } from '@flotilla/core/access/authorise'
import type { AccessObject } from '@flotilla/core/access/object'
import type { Principal } from '@flotilla/core/access/principal'
import { givenRightText, rightBeyond } from '@flotilla/core/access/rights-beyond'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Identity, TokenRow, TokenScope } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { namedObject } from '../../access/objects.ts'
import type { Rights } from '../../access/rights.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { ownerOf } from '../../sign-in/identity.ts'
import { authenticatorOf } from '../authenticate.ts'
import { instantOf, timeSchema } from '../gate-input.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem, type ProblemError } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { type Caller, makeToken, type TokenWish } from '../tokens.ts'

const time = z.iso.datetime().nullable()
const tokenSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    role: z.enum(['admin', 'readonly', 'own']).meta({ description: 'own: what whoever has made it may.' }),
    kind: z.enum(['person', 'robot']),
    madeBy: z.string().nullable(),
    project: z.strictObject({ name: z.string(), role: z.string(), listedBy: z.enum(['hub', 'project']) }).nullable(),
    scopes: z.array(z.strictObject({ projects: z.array(z.string()), actions: z.array(z.string()) })).meta({
      description: 'All of them narrow it; an empty list narrows nothing.',
    }),
    createdAt: z.iso.datetime(),
    expiresAt: time,
    lastUsedAt: time.meta({ description: 'To the minute.' }),
  })
  .meta({ id: 'Token', description: 'Never its secret.' })
const madeSchema = tokenSchema
  .extend({ token: z.string().meta({ description: 'Shown once.' }) })
  .meta({ id: 'NewToken' })

const pattern = z.string().regex(/^[\w.*/-]{1,200}$/, 'a name, where * stands for any characters')
const wishSchema = z
  .strictObject({
    name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}@._+-]{0,199}$/u, 'a name such as ana@example.com or ci'),
    role: z.enum(['admin', 'readonly', 'own']).default('readonly'),
    kind: z.enum(['person', 'robot']).default('robot'),
    expires: timeSchema.optional(),
    projects: z.array(pattern).min(1).max(100).optional().meta({ description: 'It is for things of these alone.' }),
    actions: z.array(pattern).min(1).max(100).optional().meta({ description: 'It is for these alone: get, sync.' }),
    project: z
      .strictObject({ name: nameParameter, role: nameParameter, listedBy: z.enum(['hub', 'project']).default('hub') })
      .optional()
      .meta({ description: 'A token of a role of a Project; listedBy project: good once its document lists the id.' }),
  })
  .meta({ id: 'TokenRequest' })

const tokens = listOf<z.input<typeof tokenSchema>>({
  name: 'tokens',
  item: tokenSchema,
  sorts: {
    name: ({ name }) => name,
    createdAt: ({ createdAt }) => createdAt,
    // Those that do not end come last.
    expiresAt: ({ expiresAt }) => expiresAt ?? '~',
    lastUsedAt: ({ lastUsedAt }) => lastUsedAt ?? '',
  },
  sort: 'name',
  idOf: ({ name, id }) => `${name} ${id}`,
  words: [
    'id, name, maker or Project',
    ({ id, name, madeBy, project, kind, role }) => [id, name, madeBy, project?.name, kind, role],
  ],
})

/** Tokens of people and of programs: break-glass is approved by a second person, and programs approve nothing. */
export const tokenRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/tokens',
    id: 'listTokens',
    tag: 'tokens',
    summary: 'Tokens for this API: mine, and those that I may see',
    sensitive: true,
    access: 'known',
    query: z.strictObject(tokens.query),
    answers: { 200: { description: 'A page.', schema: tokens.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const rows = await context.services.store.read(reader => reader.tokens())
      const rights = rightsOf(caller, context)
      const items = rows
        .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > context.now)
        .filter(row => isOwn(row, caller) || rights.may('get', objectOf(row)))
        .map(tokenJson)
      return json(200, tokens.page(items, query))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/tokens',
    id: 'createToken',
    secretAnswer: true,
    tag: 'tokens',
    summary: 'Make a token, which never may more than I do; its text is shown once',
    access: 'known',
    body: wishSchema,
    answers: { 201: { description: 'The token.', schema: madeSchema } },
    problems: ['FORBIDDEN', 'NOT_FOUND'],
    async handle({ body }, caller, context) {
      const { store, random } = context.services
      const { text, row } = makeToken(random, wishOf(body, caller, context))
      await store.write(async rows => {
        await rows.putToken(row)
        const { id, name, role, kind, expiresAt } = row
        const detail = { id, role, kind: kind!, expiresAt: expiresAt === undefined ? null : isoTime(expiresAt) }
        const about = { actor: caller.name, action: 'token.create', subject: name }
        await rows.appendAudit({ at: row.createdAt, ...about, detail, after: keptOf(row) })
      })
      return json(201, { ...tokenJson(row), token: text }, { 'Cache-Control': 'no-store' })
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/tokens/{id}',
    id: 'revokeToken',
    tag: 'tokens',
    summary: 'Revoke a token at once, also where it is in use',
    access: 'known',
    parameters: z.strictObject({ id: nameParameter }),
    answers: { 200: { description: 'The token that is no more.', schema: tokenSchema } },
    problems: ['FORBIDDEN', 'NOT_FOUND'],
    async handle({ path }, caller, context) {
      const { services, now } = context
      const rights = rightsOf(caller, context)
      const row = await services.store.write(async rows => {
        const found = await rows.token(path.id)
        if (found === undefined) throw new Problem('NOT_FOUND')
        if (!isOwn(found, caller)) rights.require('update', objectOf(found))
        await rows.deleteToken(path.id)
        const detail = { id: found.id, role: found.role }
        const about = { actor: caller.name, action: 'token.revoke', subject: found.name }
        await rows.appendAudit({ at: now, ...about, detail, before: keptOf(found) })
        return found
      })
      authenticatorOf(services).revoked()
      return json(200, tokenJson(row))
    },
  }),
]

/** What is to be made of a request: within what its maker has, and no longer. @throws Problem */
function wishOf(body: z.output<typeof wishSchema>, caller: Caller, context: Context): TokenWish {
  const { now } = context
  if (caller.credential?.kind === 'anonymous') throw new Problem('FORBIDDEN')
  const errors: ProblemError[] = []
  const expiresAt = endOf(body.expires, caller, now, errors)
  const { name, kind, project, projects, actions } = body
  if (kind === 'person' && !isRoot(caller)) {
    errors.push({ pointer: '/body/kind', message: 'persons sign in, or get a token by the administrator’s own' })
  }
  if (project !== undefined && (projects !== undefined || actions !== undefined || kind === 'person')) {
    errors.push({ pointer: '/body/project', message: 'cannot stand beside projects, actions or kind person' })
  }
  const principal = project && projectPrincipal(project, caller, context, errors)
  if (errors.length > 0) throw new Problem('REQUEST_INVALID', { errors })
  const scopes: readonly TokenScope[] =
    projects === undefined && actions === undefined
      ? []
      : [{ ...(projects !== undefined && { projects }), ...(actions !== undefined && { actions }) }]
  return {
    ...{ name, kind, now, madeBy: behind(caller) },
    ...(expiresAt !== undefined && { expiresAt }),
    ...(principal === undefined
      ? { role: body.role === 'own' ? 'policy' : body.role, makers: caller.makers ?? [principalIdentity(caller)] }
      : { role: 'policy', principal, listedBy: project!.listedBy }),
    ...heldTo([...(caller.scopes ?? []), ...scopes]),
  }
}

function heldTo(scopes: readonly TokenScope[]): Pick<TokenWish, 'scopes'> {
  return scopes.length === 0 ? {} : { scopes }
}

/** A token made by a token ends with it. */
function endOf(
  wished: string | undefined,
  { credential, expiresAt: mine }: Caller,
  now: EpochMs,
  errors: ProblemError[],
): EpochMs | undefined {
  const pointer = '/body/expires'
  const end = wished === undefined ? undefined : instantOf(wished, now)
  if (end !== undefined && end <= now) errors.push({ pointer, message: 'is past' })
  const bound = credential?.kind === 'session' || credential?.kind === 'id-token' ? undefined : mine
  if (bound === undefined) return end
  if (end !== undefined && end > bound) errors.push({ pointer, message: 'is later than the end of your own token' })
  return end ?? bound
}

/** @throws Problem `NOT_FOUND`, `FORBIDDEN` for whoever may not change the Project, as its roles are part of it. */
function projectPrincipal(
  { name, role }: { readonly name: string; readonly role: string },
  caller: Caller,
  context: Context,
  errors: ProblemError[],
): Principal {
  const rights = rightsOf(caller, context)
  rights.require('update', { resource: 'projects', project: name, name })
  const roles = context.services.signIn?.projectRoles(name)
  if (roles?.some(each => each.name === role) !== true) {
    errors.push({ pointer: '/body/project/role', message: 'is no role of that Project' })
  } else {
    // What his own token was made for holds the new one, too (`heldTo`): it is about who he is.
    const { principal, ceilings = [] } = caller
    const { policy } = rights.inForce
    const has = (action: string, object: AccessObject): boolean =>
      [principal, ...ceilings].every(
        each => authorise(policy, each, action, object, { now: context.now }).kind === 'allow',
      )
    const beyond = rightBeyond(rights.inForce, { project: name, role }, has)
    if (beyond !== undefined) {
      const message = `gives more than you have yourself: ${givenRightText(beyond)}`
      throw new Problem('FORBIDDEN', { errors: [{ pointer: '/body/project/role', message }] })
    }
  }
  return { kind: 'project-token', project: name, role }
}

/** Whether this is a token that no other one stands behind: that of the first start. */
function isRoot({ role, credential, makers = [] }: Caller): boolean {
  return role === 'admin' && (credential === undefined || credential.kind === 'token') && makers.length <= 1
}

/** Whoever is behind it: of a program's token the person who has made that, so that nobody vouches for themselves. */
function behind({ kind, name, madeBy }: Caller): string {
  return kind === 'robot' && madeBy !== undefined ? madeBy : name
}

function principalIdentity({ principal }: Caller): Identity {
  return { kind: 'principal', principal }
}

/** Mine: made by me, or the one that I show. */
function isOwn(row: TokenRow, { tokenId, makers = [], credential }: Caller): boolean {
  if (row.id === tokenId) return true
  if (credential?.kind !== 'session' && credential?.kind !== 'id-token') return false
  const me = makers[0] === undefined ? undefined : ownerOf(makers[0])
  return me !== undefined && row.makers?.some(maker => ownerOf(maker) === me) === true
}

/** Rights on a token are those on whoever has it: the Project, or the account. */
function objectOf({ principal, madeBy, name }: TokenRow): Parameters<Rights['may']>[1] {
  if (principal?.kind === 'project-token') {
    const { project } = principal
    return { resource: 'projects', project, name: project }
  }
  return namedObject('accounts', madeBy ?? name)
}

function tokenJson(row: TokenRow): z.input<typeof tokenSchema> {
  const { id, name, role, kind = 'robot', madeBy, createdAt, expiresAt, lastUsedAt, principal, scopes = [] } = row
  return {
    ...{ id, name, role: role === 'policy' ? 'own' : role, kind, madeBy: madeBy ?? null },
    project:
      principal?.kind === 'project-token'
        ? { name: principal.project, role: principal.role, listedBy: row.listedBy ?? 'hub' }
        : null,
    scopes: scopes.map(({ projects = [], actions = [] }) => ({ projects: [...projects], actions: [...actions] })),
    ...{ createdAt: isoTime(createdAt), expiresAt: timeOf(expiresAt), lastUsedAt: timeOf(lastUsedAt) },
  }
}

function timeOf(at: EpochMs | undefined): string | null {
  return at === undefined ? null : isoTime(at)
}

/** A token as the audit log has it: whose it is and what it may; nothing that proves it, and nobody's claims. */
function keptOf({ id, name, role, kind, principal, scopes, expiresAt, madeBy }: TokenRow): JsonObject {
  return JSON.parse(JSON.stringify({ id, name, role, kind, principal, scopes, expiresAt, madeBy })) as JsonObject
}

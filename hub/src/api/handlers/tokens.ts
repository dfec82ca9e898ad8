import type { TokenRow } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { instantOf, timeSchema } from '../gate-input.ts'
import { pageOfList } from '../page-of-list.ts'
import { cursorParameter, limitParameter, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { json, type Route, route } from '../route.ts'
import { pageOfSchema } from '../schemas.ts'
import { makeToken } from '../tokens.ts'

const tokenSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    role: z.enum(['admin', 'readonly']),
    kind: z.enum(['person', 'robot']),
    madeBy: z.string().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Token', description: 'Never its secret.' })
const madeSchema = tokenSchema
  .extend({ token: z.string().meta({ description: 'Shown once.' }) })
  .meta({ id: 'NewToken' })

/** Tokens of people and of programs: break-glass is approved by a second person, and programs approve nothing. */
export const tokenRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/tokens',
    id: 'listTokens',
    tag: 'tokens',
    summary: 'Tokens for this API',
    access: 'admin',
    query: z.strictObject({ limit: limitParameter, cursor: cursorParameter }),
    answers: { 200: { description: 'A page.', schema: pageOfSchema(tokenSchema) } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, { services, now }) {
      const rows = await services.store.read(reader => reader.tokens())
      const items = rows.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now).map(tokenJson)
      return json(200, pageOfList('tokens', items.toSorted(byName), key, query))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/tokens',
    id: 'createToken',
    tag: 'tokens',
    summary: 'Make a token; its text is shown once',
    access: 'admin',
    body: z
      .strictObject({
        name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}@._+-]{0,199}$/u, 'a name such as ana@example.com or ci'),
        role: z.enum(['admin', 'readonly']).default('readonly'),
        kind: z.enum(['person', 'robot']).default('robot'),
        expires: timeSchema.optional(),
      })
      .meta({ id: 'TokenRequest' }),
    answers: { 201: { description: 'The token.', schema: madeSchema } },
    async handle({ body }, caller, { services, now }) {
      const { store, random } = services
      const { name, role, kind, expires } = body
      const expiresAt = expires === undefined ? undefined : instantOf(expires, now)!
      if (expiresAt !== undefined && expiresAt <= now) {
        throw new Problem('REQUEST_INVALID', { errors: [{ pointer: '/body/expires', message: 'is past' }] })
      }
      const wish = { name, role, kind, madeBy: caller.name, now, ...(expiresAt !== undefined && { expiresAt }) }
      const { text, row } = makeToken(random, wish)
      await store.write(async rows => {
        await rows.putToken(row)
        const detail = { id: row.id, role, kind, expiresAt: expiresAt === undefined ? null : isoTime(expiresAt) }
        await rows.appendAudit({ at: now, actor: caller.name, action: 'token.create', subject: name, detail })
      })
      return json(201, { ...tokenJson(row), token: text }, { 'Cache-Control': 'no-store' })
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/tokens/{id}',
    id: 'revokeToken',
    tag: 'tokens',
    summary: 'Revoke a token at once',
    access: 'admin',
    parameters: z.strictObject({ id: nameParameter }),
    answers: { 200: { description: 'The token that is no more.', schema: tokenSchema } },
    async handle({ path }, caller, { services, now }) {
      const row = await services.store.write(async rows => {
        const found = await rows.token(path.id)
        if (found === undefined) return undefined
        await rows.deleteToken(path.id)
        const detail = { id: found.id, role: found.role }
        await rows.appendAudit({ at: now, actor: caller.name, action: 'token.revoke', subject: found.name, detail })
        return found
      })
      if (row === undefined) throw new Problem('NOT_FOUND')
      return json(200, tokenJson(row))
    },
  }),
]

function tokenJson(row: TokenRow): z.input<typeof tokenSchema> {
  const { id, name, role, kind = 'robot', madeBy, createdAt, expiresAt } = row
  return {
    ...{ id, name, role, kind, madeBy: madeBy ?? null, createdAt: isoTime(createdAt) },
    expiresAt: expiresAt === undefined ? null : isoTime(expiresAt as EpochMs),
  }
}

function key({ name, id }: { readonly name: string; readonly id: string }): string {
  return `${name} ${id}`
}

function byName(a: z.input<typeof tokenSchema>, b: z.input<typeof tokenSchema>): number {
  return key(a) < key(b) ? -1 : 1
}

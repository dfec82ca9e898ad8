import type { CompiledTeam } from '@flotilla/core/access/teams'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { z } from 'zod'
import { namedObject } from '../../access/objects.ts'
import { isOf } from '../../access/rights.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { instantOf, timeSchema } from '../gate-input.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { applicationSchema, tallySchema } from '../schemas.ts'
import { type Caller, makeToken } from '../tokens.ts'

/** Of those that ask for somebody's eye; the counts say how many there are. */
const MOST_SHOWN = 100
/** A link is for looking in now and then, and whoever has it is nobody. */
const LONGEST_SHARE_DAYS = 90
const DAY_MS = 86_400_000
const named = z.strictObject({ name: nameParameter })

const teamSchema = z
  .strictObject({
    name: z.string(),
    mine: z.boolean().meta({ description: 'Whether the caller is one of its people.' }),
    owns: z
      .array(z.string())
      .meta({ description: 'Globs over Projects: its people act in them as their roles allow.' }),
    watches: z.array(z.string()).meta({ description: 'Globs over Projects that its people may look at.' }),
    projects: z.array(z.string()).meta({ description: 'Those of them that there are, and that the caller may see.' }),
    members: z
      .strictObject({ users: z.array(z.string()), groups: z.array(z.string()) })
      .nullable()
      .meta({ description: 'Null for whoever looks at a shared view.' }),
    at: z.strictObject({ source: z.string(), file: z.string(), line: z.int() }),
    applications: tallySchema,
  })
  .meta({ id: 'Team' })

const overviewSchema = z
  .strictObject({
    team: teamSchema,
    applications: tallySchema,
    projects: z.record(z.string(), tallySchema),
    clusters: z.record(z.string(), tallySchema),
    environments: z.record(z.string(), tallySchema),
    attention: z.strictObject({
      total: z.int(),
      items: z.array(applicationSchema).meta({ description: 'The worst first.' }),
    }),
  })
  .meta({ id: 'TeamOverview', description: 'Of what belongs to the team, and that the caller may see, alone.' })

const shareSchema = z
  .strictObject({
    id: z.string().meta({ description: 'For DELETE /api/v1/tokens/{id}.' }),
    team: z.string(),
    token: z.string().meta({ description: 'Shown once. It sees this view and nothing else.' }),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'TeamShare' })

const teams = listOf<z.input<typeof teamSchema>>({
  name: 'teams',
  item: teamSchema,
  sorts: { name: ({ name }) => name, applications: ({ applications }) => applications.total },
  sort: 'name',
  idOf: ({ name }) => name,
  words: ['name or Projects', ({ name, projects, owns, watches }) => [name, ...projects, ...owns, ...watches]],
})

/** Teams: who they are, and how what they own and watch is. */
export const teamRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/teams',
    id: 'listTeams',
    tag: 'teams',
    summary: 'Teams that the caller may see: his own, or all',
    access: 'known',
    query: z.strictObject(teams.query),
    answers: { 200: { description: 'A page.', schema: teams.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const rights = rightsOf(caller, context)
      const seen = rights.inForce.policy.teams.all.filter(({ team }) => rights.seesTeam(team.name))
      const shown = seen.map(team => teamJson(team, caller, context))
      return json(200, teams.page(shown, query))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/teams/{name}',
    id: 'getTeam',
    tag: 'teams',
    summary: 'One Team',
    access: 'known',
    parameters: named,
    answers: { 200: { description: 'The Team.', schema: teamSchema } },
    problems: ['NOT_FOUND'],
    handle: ({ path }, caller, context) => json(200, teamJson(teamOf(path.name, caller, context), caller, context)),
  }),
  route({
    method: 'get',
    path: '/api/v1/teams/{name}/overview',
    id: 'getTeamOverview',
    tag: 'teams',
    summary: 'How everything of a Team is, at a glance',
    access: 'known',
    parameters: named,
    answers: { 200: { description: 'Counts, and what asks for an eye.', schema: overviewSchema } },
    problems: ['NOT_FOUND'],
    handle({ path }, caller, context) {
      const team = teamOf(path.name, caller, context)
      const shown = teamJson(team, caller, context)
      rightsOf(caller, context).narrowTo(path.name)
      const { view } = context.services
      view.age(context.now)
      const { all, by } = view.counted(context.visible)
      const urgent = view.seen(context.visible).filter(asksForAnEye).sort(worstFirst)
      return json(200, {
        team: shown,
        applications: all,
        projects: by.by('project'),
        clusters: by.by('cluster'),
        environments: by.by('environment'),
        attention: { total: urgent.length, items: urgent.slice(0, MOST_SHOWN) },
      })
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/teams/{name}/share',
    id: 'shareTeamView',
    tag: 'teams',
    summary: "A token that shows the Team's view and nothing else, and ends by itself",
    access: 'known',
    parameters: named,
    body: z
      .strictObject({
        expires: timeSchema.default('+168h').meta({ description: `At most ${LONGEST_SHARE_DAYS} days away.` }),
        note: z.string().max(100).default('').meta({ description: 'For whom; kept with the token.' }),
      })
      .meta({ id: 'TeamShareRequest' }),
    answers: { 201: { description: 'The token.', schema: shareSchema } },
    problems: ['NOT_FOUND', 'FORBIDDEN'],
    secretAnswer: true,
    async handle({ path, body }, caller, context) {
      const { services, now } = context
      const { team } = teamOf(path.name, caller, context)
      const rights = rightsOf(caller, context)
      // A view that was shared is not shared on, and who may see a Team only because he sees all is no part of it.
      if (!rights.isOfTeam(team.name) && !rights.may('update', namedObject('accounts', team.name))) {
        throw new Problem('FORBIDDEN')
      }
      const expiresAt = instantOf(body.expires, now)!
      const latest = Math.min(now + LONGEST_SHARE_DAYS * DAY_MS, endOf(caller))
      if (expiresAt <= now || expiresAt > latest) {
        const message = expiresAt <= now ? 'is past' : `is later than ${isoTime(latest)}`
        throw new Problem('REQUEST_INVALID', { errors: [{ pointer: '/body/expires', message }] })
      }
      const { text, row } = makeToken(services.random, {
        ...{ name: `view of ${team.name}${body.note === '' ? '' : `, ${body.note}`}`, kind: 'robot', role: 'policy' },
        ...{ principal: { kind: 'team', team: team.name }, madeBy: caller.name, now, expiresAt },
        // It never shows more than whoever has made it sees.
        makers: caller.makers ?? [{ kind: 'principal', principal: caller.principal }],
        ...(caller.scopes !== undefined && caller.scopes.length > 0 && { scopes: caller.scopes }),
      })
      await services.store.write(async rows => {
        await rows.putToken(row)
        const detail = { id: row.id, expiresAt: isoTime(expiresAt), note: body.note }
        await rows.appendAudit({
          at: now,
          actor: caller.name,
          action: 'team.share',
          subject: `Team/${team.name}`,
          detail,
        })
      })
      const made = { id: row.id, team: team.name, token: text, expiresAt: isoTime(expiresAt) }
      return json(201, made, { 'Cache-Control': 'no-store' })
    },
  }),
]

/** @throws Problem `NOT_FOUND`: the same where there is none and where it may not be seen. */
function teamOf(name: string, caller: Caller, context: Context): CompiledTeam {
  const rights = rightsOf(caller, context)
  const team = rights.inForce.policy.teams.named(name)
  const seen = rights.seesTeam(name)
  if (team === undefined || !seen) throw new Problem('NOT_FOUND')
  return team
}

function teamJson(compiled: CompiledTeam, caller: Caller, context: Context): z.input<typeof teamSchema> {
  const { team } = compiled
  const rights = rightsOf(caller, context)
  const { services, visible } = context
  const projects = (services.projects?.() ?? []).filter(
    ({ name }) => isOf(compiled, name) && rights.sees(namedObject('projects', name, name)),
  )
  const { all } = services.view.counted({
    key: `${visible.key} team ${team.name} of ${rights.inForce.version}`,
    sees: view => isOf(compiled, view.project) && visible.sees(view),
  })
  return {
    name: team.name,
    mine: rights.isOfTeam(team.name),
    owns: [...team.owns],
    watches: [...team.watches],
    projects: projects.map(({ name }) => name),
    members: caller.principal.kind === 'team' ? null : { users: [...team.users], groups: [...team.groups] },
    at: { source: team.place.source ?? '', file: team.place.file, line: team.place.line },
    applications: all,
  }
}

function endOf({ expiresAt, credential }: Caller): number {
  const isToken = credential === undefined || credential.kind === 'token' || credential.kind === 'project-token'
  return isToken ? (expiresAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
}

function asksForAnEye({ health, sync, hold }: ApplicationView): boolean {
  return URGENCY.has(health.status) || hold !== null || sync.status !== 'Synced'
}

const URGENCY: ReadonlyMap<string, number> = new Map([
  ['Degraded', 0],
  ['Missing', 1],
  ['Unknown', 2],
])

function worstFirst(a: ApplicationView, b: ApplicationView): number {
  const order = rankOf(a) - rankOf(b)
  return order !== 0 ? order : a.name < b.name ? -1 : 1
}

function rankOf({ health, hold }: ApplicationView): number {
  return URGENCY.get(health.status) ?? (hold !== null ? 3 : 4)
}

import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ProjectSpec } from '@flotilla/core/model/fleet'
import { withoutCredentials } from '@flotilla/core/view/shown-url'
import { z } from 'zod'
import type { KnownProject } from '../../access/known-projects.ts'
import { namedObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import { listOf } from '../list-of.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'
import { tallySchema } from '../schemas.ts'
import type { Caller } from '../tokens.ts'

const anyObject = z.record(z.string(), z.unknown())
const placeSchema = z.strictObject({ source: z.string(), file: z.string(), line: z.int() })

const projectSchema = z
  .strictObject({
    name: z.string(),
    description: z.string(),
    state: z.enum(['declared', 'last-seen']).meta({
      description: 'last-seen: no source declares it any more; it holds as it was while Applications name it.',
    }),
    at: placeSchema.nullable(),
    teams: z.array(z.string()).meta({ description: 'Teams that own it, as far as the caller may see them.' }),
    sourceRepos: z.array(z.string()),
    destinations: z.array(anyObject),
    kinds: z.strictObject({
      cluster: z.strictObject({ allowed: z.array(anyObject), denied: z.array(anyObject) }),
      namespaced: z.strictObject({
        allowed: z.array(anyObject).nullable().meta({ description: 'Null: every one.' }),
        denied: z.array(anyObject),
      }),
    }),
    impersonation: z.strictObject({ required: z.boolean(), serviceAccounts: z.array(anyObject) }),
    roles: z.array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        policies: z.array(z.string()),
        groups: z.array(z.string()),
      }),
    ),
    applications: tallySchema,
  })
  .meta({ id: 'Project', description: 'What its Applications may use, and who may do what in it.' })

const projects = listOf<ReturnType<typeof projectJson>>({
  name: 'projects',
  item: projectSchema,
  sorts: {
    name: ({ name }) => name,
    state: ({ state }) => state,
    applications: ({ applications }) => applications.total,
  },
  sort: 'name',
  idOf: ({ name }) => name,
  words: [
    'name, description, teams or repositories',
    ({ name, description, teams, sourceRepos }) => [name, description, ...teams, ...sourceRepos],
  ],
})

/** Projects: ceilings that no right passes. */
export const projectRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/projects',
    id: 'listProjects',
    tag: 'projects',
    summary: 'Projects that are in force',
    access: each('projects', 'get'),
    query: z.strictObject(projects.query),
    answers: { 200: { description: 'A page.', schema: projects.answer } },
    problems: ['CURSOR_INVALID'],
    handle({ query }, caller, context) {
      const rights = rightsOf(caller, context)
      const seen = projectsOf(context).filter(({ name }) => rights.sees(projectObject(name)))
      const shown = seen.map(project => projectJson(project, caller, context))
      return json(200, projects.page(shown, query))
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/projects/{name}',
    id: 'getProject',
    tag: 'projects',
    summary: 'One Project',
    access: one('projects', 'get'),
    parameters: z.strictObject({ name: nameParameter }),
    answers: { 200: { description: 'The Project.', schema: projectSchema } },
    handle({ path }, caller, context) {
      const found = projectsOf(context).find(({ name }) => name === path.name)
      rightsOf(caller, context).require('get', projectObject(path.name))
      if (found === undefined) throw new Problem('NOT_FOUND')
      return json(200, projectJson(found, caller, context))
    },
  }),
]

function projectsOf({ services }: Context): readonly KnownProject[] {
  return services.projects?.() ?? []
}

function projectObject(name: string) {
  return namedObject('projects', name, name)
}

function projectJson({ name, spec, declared }: KnownProject, caller: Caller, context: Context) {
  const { services, visible } = context
  const rights = rightsOf(caller, context)
  const owners = rights.inForce.policy.teams.all.filter(team => team.owns(name))
  const { destinationServiceAccounts = [], namespaceResourceWhitelist } = spec
  return {
    name,
    description: spec.description ?? '',
    state: declared === undefined ? 'last-seen' : 'declared',
    at: declared ?? null,
    teams: owners.flatMap(({ team }) => (rights.seesTeam(team.name) ? team.name : [])).sort(),
    sourceRepos: spec.sourceRepos.map(withoutCredentials),
    destinations: spec.destinations,
    kinds: {
      cluster: { allowed: spec.clusterResourceWhitelist, denied: spec.clusterResourceBlacklist },
      namespaced: { allowed: namespaceResourceWhitelist ?? null, denied: spec.namespaceResourceBlacklist },
    },
    impersonation: {
      required: spec.impersonation === 'required' || destinationServiceAccounts.length > 0,
      serviceAccounts: destinationServiceAccounts,
    },
    roles: rolesJson(spec),
    applications: services.view.tallyOf('project', name, visible),
  }
}

/** Without what is written of their tokens. */
function rolesJson(spec: ProjectSpec) {
  const roles = spec['roles']
  if (!Array.isArray(roles)) return []
  return (roles as readonly Json[]).filter(isJsonObject).map(role => ({
    name: textOf(role, 'name'),
    description: textOf(role, 'description'),
    policies: textsOf(role, 'policies'),
    groups: textsOf(role, 'groups'),
  }))
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key]
  return typeof value === 'string' ? value : ''
}

function textsOf(object: JsonObject, key: string): readonly string[] {
  const value = object[key]
  return Array.isArray(value) ? (value as readonly Json[]).filter(each => typeof each === 'string') : []
}

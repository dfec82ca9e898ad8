import { describe, expect, it } from 'vitest'
import { authorise, decide } from './authorise.ts'
import type { Binding } from './bindings.ts'
import { type Condition, compileCondition } from './condition.ts'
import { decideStrict } from './decide.ts'
import type { AccessObject } from './object.ts'
import { parsePolicy } from './parse-policy.ts'
import { type AccessSettings, compilePolicy } from './policy.ts'
import type { PolicyRow, RowPlace } from './policy-row.ts'
import { type Principal, principalOf } from './principal.ts'
import type { ProjectRole } from './project-role.ts'
import type { Team } from './teams.ts'

const place: RowPlace = { file: 'policy.csv', line: 1, column: 1 }

function rows(text: string): readonly PolicyRow[] {
  const parsed = parsePolicy(text, (line, column) => ({ file: 'policy.csv', line, column }))
  expect(parsed.mistakes).toEqual([])
  return parsed.rows
}

function policy(text: string, settings: Partial<AccessSettings> = {}) {
  return compilePolicy({ rows: rows(text), ...settings })
}

function person(subject: string, ...groups: string[]): Principal {
  return { kind: 'person', subject, groups }
}

const web: AccessObject = { resource: 'applications', project: 'shop', name: 'web' }

function projects(roles: readonly ProjectRole[], project = 'shop') {
  return { projects: [{ project, roles, placeOf: () => place }] }
}

describe('what a refusal may tell', () => {
  const readers = 'p, ana, applications, get, shop/*, allow\np, bo, applications, sync, shop/*, allow'
  it.each<[string, string, string, AccessObject, string]>([
    ['who may see it and act on it is allowed', 'ana', 'get', web, 'allow'],
    ['who may see it but not act is told so', 'ana', 'sync', web, 'forbidden'],
    ['who may not see it is told nothing', 'eve', 'sync', web, 'hidden'],
    ['who may not see it is told nothing, reading it', 'eve', 'get', web, 'hidden'],
    ['acting needs seeing: a sync alone is hidden', 'bo', 'sync', web, 'hidden'],
    ['logs of what may be seen are forbidden', 'ana', 'get', { ...web, resource: 'logs' }, 'forbidden'],
    ['logs of what may not be seen are hidden', 'eve', 'get', { ...web, resource: 'logs' }, 'hidden'],
    ['a shell in what may be seen is forbidden', 'ana', 'create', { ...web, resource: 'exec' }, 'forbidden'],
    ['another project is hidden', 'ana', 'sync', { ...web, project: 'bank' }, 'hidden'],
  ])('%s', (_, who, action, object, kind) => {
    expect(authorise(policy(readers), person(who), action, object).kind).toBe(kind)
  })

  it('creating needs no seeing: there is nothing to see yet', () => {
    const creators = policy('p, ana, applications, create, shop/*, allow')
    expect(authorise(creators, person('ana'), 'create', web).kind).toBe('allow')
    expect(authorise(creators, person('ana'), 'get', web).kind).toBe('hidden')
  })

  it('names the row that decided, with its place', () => {
    const { because } = authorise(policy(`# people\n${readers}`), person('ana'), 'get', web)
    expect(because).toEqual([
      { row: 'p, ana, applications, get, shop/*, allow', place: { file: 'policy.csv', line: 2, column: 1 } },
    ])
  })
})

describe('one decision over all names of somebody', () => {
  it.each<[string, string, Principal, boolean]>([
    [
      'a deny of one group beats an allow of another',
      'p, a, applications, get, *, allow\np, b, applications, get, *, deny',
      person('x', 'a', 'b'),
      false,
    ],
    [
      'a deny of the user beats an allow of a group',
      'p, a, applications, get, *, allow\np, x, applications, get, *, deny',
      person('x', 'a'),
      false,
    ],
    ['a group without a g row counts', 'p, a, applications, get, *, allow', person('x', 'a'), true],
    ['a group called like a role is none', '', person('x', 'role:admin'), false],
    ['a user called like a role is nobody', '', person('role:admin'), false],
    ['a group called admin is not the local user admin', '', person('x', 'admin'), false],
    [
      'a group called admin has what rows give it',
      'g, admin, role:see\np, role:see, applications, get, *, allow',
      person('x', 'admin'),
      true,
    ],
    ['the local user admin is an administrator', '', person('admin'), true],
    [
      'roles are reached over roles',
      'g, a, role:one\ng, role:one, role:two\np, role:two, applications, get, *, allow',
      person('x', 'a'),
      true,
    ],
    ['a circle of roles ends', 'g, x, role:one\ng, role:one, role:two\ng, role:two, role:one', person('x'), false],
    ['a subject is compared as it is written', 'p, a*, applications, get, *, allow', person('ana'), false],
  ])('%s', (_, text, who, allowed) => {
    expect(decide(policy(text), who, 'get', web).allowed).toBe(allowed)
  })

  it('a deny beats the default role', () => {
    const denied = policy('p, x, applications, get, *, deny', { defaultRole: 'role:readonly' })
    expect(decide(denied, person('x'), 'get', web).allowed).toBe(false)
    expect(decide(denied, person('y'), 'get', web).allowed).toBe(true)
  })

  it.each<[string, string, string, boolean]>([
    ['a star is one segment', 'p, x, applications, get, shop*, allow', 'shop/web', false],
    ['a star does not reach into a namespace', 'p, x, applications, get, shop/*, allow', 'shop/ns/web', false],
    ['two stars do', 'p, x, applications, get, shop/**, allow', 'shop/ns/web', true],
    ['a lone star is everything', 'p, x, applications, get, *, allow', 'shop/ns/web', true],
    [
      'a deny keeps the wide reading',
      'p, x, applications, get, *, allow\np, x, applications, get, shop/*, deny',
      'shop/ns/web',
      false,
    ],
    ['the built-in rows mean every application', 'g, x, role:readonly', 'shop/ns/web', true],
  ])('%s in an object', (_, text, object, allowed) => {
    const [project, ...rest] = object.split('/')
    const name = rest.at(-1)!
    const stored = { resource: 'applications', project, name, ...(rest.length > 1 ? { namespace: rest[0]! } : {}) }
    expect(decide(policy(text), person('x'), 'get', stored).allowed).toBe(allowed)
  })

  it('names and URLs are no paths: a star there is anything', () => {
    const clusters = policy('p, x, clusters, get, https://eu*, allow')
    expect(decide(clusters, person('x'), 'get', { resource: 'clusters', name: 'https://eu/1/2' }).allowed).toBe(true)
  })

  it('a deny that is no pattern denies', () => {
    const broken = policy('p, x, applications, get, *, allow\np, x, applications, get, shop/[, deny')
    expect(decide(broken, person('x'), 'get', web).allowed).toBe(false)
  })

  it('what is too long to be matched is denied, not let through between rows', () => {
    const long = { ...web, name: 'w'.repeat(5000) }
    const text = policy('p, x, applications, get, *, allow\np, x, applications, get, shop/w*, deny')
    expect(decide(text, person('x'), 'get', long).allowed).toBe(false)
  })
})

describe("Argo CD's answers to the letter", () => {
  const ask = (
    text: string,
    who: Principal,
    settings: Partial<AccessSettings> = {},
    action = 'get',
    object = 'shop/web',
  ) => decideStrict(policy(text, { strictArgo: true, ...settings }), who, 'applications', action, object).allowed
  it.each<[string, string, Principal, Partial<AccessSettings>, boolean]>([
    [
      'no deny takes the default role away',
      'p, x, applications, get, *, deny',
      person('x'),
      { defaultRole: 'role:readonly' },
      true,
    ],
    [
      'a deny of one group does not stop another',
      'g, a, role:readonly\np, b, applications, get, *, deny\ng, b, role:none',
      person('x', 'a', 'b'),
      {},
      true,
    ],
    [
      'a deny stops its own subject',
      'g, a, role:readonly\np, a, applications, get, *, deny',
      person('x', 'a'),
      {},
      false,
    ],
    ['a group without a g row is not looked at', 'p, a, applications, get, *, allow', person('x', 'a'), {}, false],
    ['a star crosses slashes', 'p, x, applications, get, sh*b, allow', person('x'), {}, true],
    [
      'a glob that is none matches nothing',
      'p, x, applications, get, *, allow\np, x, applications, get, shop/[, deny',
      person('x'),
      {},
      true,
    ],
    [
      'a regular expression matches anywhere',
      'p, x, applicat, ge, hop/we, allow',
      person('x'),
      { matchMode: 'regex' },
      true,
    ],
    [
      'the built-in rows are no regular expressions, so their roles fail',
      'g, x, role:readonly',
      person('x'),
      { matchMode: 'regex' },
      false,
    ],
  ])('%s', (_, text, who, settings, allowed) => {
    expect(ask(text, who, settings)).toBe(allowed)
  })

  it('update of an application is not update of its parts, and a deny of one is none of the other', () => {
    const text = 'p, x, applications, delete/*, shop/*, allow\np, x, applications, delete, shop/*, deny'
    expect(ask(text, person('x'), {}, 'delete/apps/Deployment/ns/web')).toBe(true)
    expect(ask(text, person('x'), {}, 'delete')).toBe(false)
    expect(ask('p, x, applications, update, shop/*, allow', person('x'), {}, 'update/apps/Deployment/ns/web')).toBe(
      false,
    )
  })
})

describe('roles of projects', () => {
  const role = { name: 'dev', policies: ['p, proj:shop:dev, applications, sync, shop/*, allow'], groups: ['sso:devs'] }
  const settings = projects([role])

  it('count for their groups, in their project only', () => {
    const own = policy('', settings)
    expect(decide(own, person('x', 'sso:devs'), 'sync', web).allowed).toBe(true)
    expect(decide(own, person('x', 'sso:devs'), 'sync', { ...web, project: 'bank' }).allowed).toBe(false)
    expect(decide(own, person('x', 'sso:devs'), 'get', { resource: 'projects', name: 'shop' }).allowed).toBe(true)
    expect(decide(own, person('x', 'other'), 'sync', web).allowed).toBe(false)
  })

  it('count for their tokens, which reach no other project, not even by the default role', () => {
    const open = policy('', { ...settings, defaultRole: 'role:readonly' })
    const token: Principal = { kind: 'project-token', project: 'shop', role: 'dev' }
    expect(decide(open, token, 'sync', web).allowed).toBe(true)
    expect(decide(open, token, 'get', { ...web, project: 'bank' }).allowed).toBe(false)
    const argo = policy('', { ...settings, defaultRole: 'role:readonly', strictArgo: true })
    expect(decide(argo, token, 'get', { ...web, project: 'bank' }).allowed).toBe(true)
  })

  it('with a mistake leave reading only, where Argo CD drops even the denies', () => {
    const broken = projects([{ name: 'dev', policies: ['p, proj:shop:dev, applications, delete, *, deny', 'p, oops'] }])
    const admin = policy('', broken)
    expect(decide(admin, person('admin'), 'get', web).allowed).toBe(true)
    expect(decide(admin, person('admin'), 'delete', web).allowed).toBe(false)
    expect(decide(admin, person('admin'), 'delete', { ...web, project: 'bank' }).allowed).toBe(true)
    expect(decide(policy('', { ...broken, strictArgo: true }), person('admin'), 'delete', web).allowed).toBe(true)
  })
})

describe('teams', () => {
  const team: Team = {
    name: 'shop',
    users: ['ana'],
    groups: ['sso:shop'],
    owns: ['shop', 'shop-*'],
    watches: ['base'],
    place,
  }
  const role = { name: 'dev', policies: ['p, proj:shop:dev, applications, sync, shop/*, allow'] }
  const fleet = policy('', { ...projects([role]), teams: [team] })
  it.each<[string, Principal, string, AccessObject, string]>([
    ['see what they own', person('ana'), 'get', { ...web, project: 'shop-eu' }, 'allow'],
    ['act as the roles of their project allow', person('x', 'sso:shop'), 'sync', web, 'allow'],
    ['act no further than the roles of their project allow', person('ana'), 'delete', web, 'forbidden'],
    ['only see what they watch', person('ana'), 'sync', { ...web, project: 'base' }, 'forbidden'],
    [
      'see no logs of what they watch',
      person('ana'),
      'get',
      { ...web, resource: 'logs', project: 'base' },
      'forbidden',
    ],
    ['do not know that there is anything else', person('ana'), 'get', { ...web, project: 'bank' }, 'hidden'],
    ['have no strangers', person('eve', 'sso:bank'), 'get', web, 'hidden'],
  ])('%s', (_, who, action, object, kind) => {
    expect(authorise(fleet, who, action, object).kind).toBe(kind)
  })
})

describe('bindings', () => {
  const binding = (more: Partial<Binding>): Binding => ({
    users: [],
    groups: [],
    teams: [],
    role: 'operator',
    effect: 'allow',
    scope: {},
    conditions: [],
    text: 'binding',
    place,
    ...more,
  })
  const condition = (text: string) => {
    const made = compileCondition(text)
    if (typeof made !== 'function') throw new Error(made.message)
    return made as Condition
  }
  const onProd: AccessObject = { ...web, cluster: 'eu-1', environment: 'prod', labels: { tier: 'gold' } }
  it.each<[string, Partial<Binding>, AccessObject, boolean]>([
    ['a role counts for its people', { users: ['ana'] }, web, true],
    ['and for a group', { groups: ['devs'] }, web, true],
    ['and for nobody else', { users: ['bo'] }, web, false],
    ['a user is not a group of that name', { groups: ['ana'] }, web, false],
    ['within its projects', { users: ['ana'], scope: { projects: ['shop*'] } }, web, true],
    ['not beyond its projects', { users: ['ana'], scope: { projects: ['bank'] } }, web, false],
    [
      'within its clusters, environments and labels',
      { users: ['ana'], scope: { clusters: ['eu-*'], environments: ['prod'], labels: { tier: 'gold' } } },
      onProd,
      true,
    ],
    ['not where the cluster is not known', { users: ['ana'], scope: { clusters: ['*'] } }, web, false],
    ['not for another label', { users: ['ana'], scope: { labels: { tier: 'tin' } } }, onProd, false],
    [
      'while its condition holds',
      { users: ['ana'], conditions: [condition('cluster.environment == "prod"')] },
      onProd,
      true,
    ],
    [
      'not when its condition does not',
      { users: ['ana'], conditions: [condition('cluster.environment != "prod"')] },
      onProd,
      false,
    ],
    [
      'not when its condition fails',
      { users: ['ana'], conditions: [condition('object.labels.missing == "x"')] },
      onProd,
      false,
    ],
    ['a role does what it says and no more', { users: ['ana'], role: 'viewer' }, web, false],
    ['an unknown role gives nothing', { users: ['ana'], role: 'king' }, web, false],
  ])('%s', (_, more, object, allowed) => {
    const made = policy('', { bindings: [binding(more)] })
    expect(decide(made, person('ana', 'devs'), 'sync', object).allowed).toBe(allowed)
  })

  it('a deny whose condition fails denies', () => {
    const deny = binding({ users: ['ana'], effect: 'deny', conditions: [condition('object.labels.missing == "x"')] })
    const made = policy('', { bindings: [binding({ users: ['ana'] }), deny] })
    expect(decide(made, person('ana'), 'sync', web).allowed).toBe(false)
  })

  it('conditions know the time and the revision', () => {
    const early = binding({
      users: ['ana'],
      conditions: [condition('request.time < 100 && request.revision == "main"')],
    })
    const made = policy('', { bindings: [early] })
    expect(decide(made, person('ana'), 'sync', web, { now: 99_000, revision: 'main' }).allowed).toBe(true)
    expect(decide(made, person('ana'), 'sync', web, { now: 100_000, revision: 'main' }).allowed).toBe(false)
  })

  it.each([
    ['what is no expression', 'a ==', /./],
    ['an unknown name', 'nobody == 1', /nobody/],
    ['what is neither true nor false', '1 + 1', /true or false/],
    ['what repeats itself', 'principal.groups.exists(g, g == "x")', /exists/],
    ['patterns that can take for ever', 'object.name.matches("(a+)+$")', /matches/],
    ['what is too long', `true${' '.repeat(2000)}`, /1000/],
  ])('a condition is refused for %s', (_, text, message) => {
    const made = compileCondition(text)
    expect(typeof made === 'function' ? 'accepted' : made.message).toMatch(message)
  })
})

describe('agents', () => {
  const agent: Principal = { kind: 'agent', cluster: 'eu-1' }
  const bundle: AccessObject = { resource: 'bundles', name: 'sha256:1', cluster: 'eu-1' }
  it.each<[string, Principal, string, AccessObject, string]>([
    ['read what is meant for their cluster', agent, 'get', bundle, 'allow'],
    ['do not know what is meant for another', agent, 'get', { ...bundle, cluster: 'eu-2' }, 'hidden'],
    ['have nothing of the policy', agent, 'get', web, 'hidden'],
    ['without a cluster have nothing', { kind: 'agent', cluster: '' }, 'get', { ...bundle, cluster: '' }, 'hidden'],
  ])('%s', (_, who, action, object, kind) => {
    const open = policy('', { defaultRole: 'role:admin' })
    expect(authorise(open, who, action, object).kind).toBe(kind)
  })
})

describe('advisories, as far as one decision shows them', () => {
  it('CVE-2022-41354: what is missing and what is forbidden are one answer', () => {
    const made = policy('p, ana, applications, get, shop/*, allow')
    const there = authorise(made, person('eve'), 'sync', web)
    const missing = authorise(made, person('eve'), 'sync', { ...web, name: 'never-was' })
    expect(there).toEqual(missing)
  })
  it('CVE-2024-36106: names of clusters cannot be told apart by answers', () => {
    const ask = (name: string) => authorise(policy(''), person('eve'), 'update', { resource: 'clusters', name })
    expect(ask('https://prod')).toEqual(ask('https://nowhere'))
    expect(ask('https://prod').kind).toBe('hidden')
  })
  it('CVE-2023-23947: the stored project counts, and a right in another one helps nobody', () => {
    const made = policy('p, ana, clusters, *, mine/*, allow')
    const stored: AccessObject = { resource: 'clusters', project: 'other', name: 'https://eu-1' }
    expect(authorise(made, person('ana'), 'update', { ...stored, project: 'mine' }).kind).toBe('allow')
    expect(authorise(made, person('ana'), 'update', stored).kind).toBe('hidden')
  })
  it('CVE-2023-50726: create is no override', () => {
    const made = policy('p, ana, applications, get, shop/*, allow\np, ana, applications, create, shop/*, allow')
    expect(authorise(made, person('ana'), 'create', web).kind).toBe('allow')
    expect(authorise(made, person('ana'), 'override', web).kind).toBe('forbidden')
  })
  it('CVE-2022-24768: rights on one application are none on the parts of another', () => {
    const made = policy('p, ana, applications, *, shop/web, allow')
    const other = { ...web, name: 'api' }
    expect(authorise(made, person('ana'), 'delete/apps/Deployment/shop/web', other).kind).toBe('hidden')
  })
  it('CVE-2022-29165: a provider that calls somebody like a token makes no token', () => {
    const claims = { sub: 'proj:shop:dev', groups: ['role:admin'] }
    expect(principalOf(claims)).toEqual({ kind: 'person', subject: '', groups: [] })
    expect(principalOf(claims, ['groups'], 'hub')).toEqual({ kind: 'project-token', project: 'shop', role: 'dev' })
  })
  it.each([
    ['nothing', {}],
    ['blanks', { sub: '  ', groups: ['', ' ', '\t'] }],
    ['what is no text', { sub: 7, groups: [null, {}, 3] }],
  ])('CVE-2026-23990: claims with %s are nobody', (_, claims) => {
    const all = 'p, , applications, get, *, allow\np, "  ", applications, get, *, allow\ng, , role:admin'
    expect(authorise(policy(all), principalOf(claims), 'get', web).kind).toBe('hidden')
    expect(
      decideStrict(policy(all, { strictArgo: true }), principalOf(claims), 'applications', 'get', 'shop/web').allowed,
    ).toBe(false)
  })
  it('GHSA-786q-9hcg-v9ff: seeing a project is not seeing its repositories', () => {
    const made = policy('p, ana, projects, get, shop, allow')
    const repository: AccessObject = { resource: 'repositories', project: 'shop', name: 'https://git.example.com/a' }
    expect(authorise(made, person('ana'), 'get', repository).kind).toBe('hidden')
  })
})

import { authorise } from '@flotilla/core/access/authorise'
import { parsePolicy } from '@flotilla/core/access/parse-policy'
import { type AccessSettings, compilePolicy } from '@flotilla/core/access/policy'
import type { Principal } from '@flotilla/core/access/principal'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { PolicyInForce } from '@flotilla/hub/access/policy-in-force'
import { Rights } from '@flotilla/hub/access/rights'
import type { Benchmark, Figure } from './figure.ts'

const ROWS = 10_000
const QUESTIONS = 100_000

/** One decision over a policy of 10,000 rows: many teams with few rows each, and one role with all of them. */
export const run: Benchmark = async () => [
  ...figures('1,000 teams', manyTeams(), {}),
  ...figures('one role', oneRole(), {}),
  ...figures('1,000 teams, strict', manyTeams(), { strictArgo: true }),
  ...figures('patterns that begin alike, asked again', alike(), {}),
  ...filtering(),
]

/** 10,000 Applications in 100 Projects, of which a team sees one in a hundred: by its Project, and each by itself. */
function filtering(): readonly Figure[] {
  const views = Array.from({ length: 10_000 }, (_, index) => {
    const facts = { id: `id-${index}`, name: `app-${index}`, project: `p${index % 100}`, cluster: `c${index % 200}` }
    return { ...facts, labels: {}, environment: null } as unknown as ApplicationView
  })
  const bench = (name: string, object: string, seen: number): readonly Figure[] => {
    const row = `p, role:team-1, applications, get, ${object}, allow\n`
    const { rows } = parsePolicy(`${manyTeams()}\n${row}`, (line, column) => ({ file: 'policy.csv', line, column }))
    const policy = new PolicyInForce({ settings: { rows }, scopes: [] }, 'policy-1')
    const who: Principal = { kind: 'person', subject: 'ana', groups: ['team-1'] }
    const filter = (): number => {
      const { visible } = new Rights(policy, { principal: who }, 0)
      const started = performance.now()
      const found = views.filter(view => visible.sees(view)).length
      if (found !== seen) throw new Error(`${found} were seen, not ${seen}`)
      return performance.now() - started
    }
    const first = filter()
    const again = Array.from({ length: 20 }, filter).sort((a, b) => a - b)[10]!
    return [
      figure(`filter 10,000 Applications for a team, ${name}, first time`, 'ms', first),
      figure(`filter 10,000 Applications for a team, ${name}, again (median)`, 'ms', again, '< 10'),
    ]
  }
  return [...bench('by Project', 'p1/*', 100), ...bench('each by itself', 'p*/app-*50', 200)]
}

function figures(name: string, text: string, settings: Partial<AccessSettings>): readonly Figure[] {
  const { rows, mistakes } = parsePolicy(text, (line, column) => ({ file: 'policy.csv', line, column }))
  if (rows.length < ROWS || mistakes.length > 0) throw new Error(`${rows.length} rows, ${mistakes.length} mistakes`)
  const started = performance.now()
  const policy = compilePolicy({ rows, ...settings })
  const compiled = performance.now() - started
  let allowed = 0
  const ask = (index: number): void => {
    const team = index % 1000
    const who: Principal = { kind: 'person', subject: `user-${team}`, groups: [`team-${team}`, 'everybody', 'staff'] }
    const object = {
      resource: 'applications',
      project: `p${index % 7 === 0 ? (team + 1) % 1000 : team}`,
      name: `app-${index % 50}`,
    }
    if (authorise(policy, who, index % 2 === 0 ? 'get' : 'sync', object).kind === 'allow') allowed++
  }
  for (let index = 0; index < QUESTIONS; index++) ask(index)
  const before = performance.now()
  for (let index = 0; index < QUESTIONS; index++) ask(index)
  const took = ((performance.now() - before) * 1000) / QUESTIONS
  if (allowed === 0) throw new Error('nothing was allowed: the questions are not about this policy')
  return [
    figure(`authorise, ${rows.length} policy rows, ${name}`, 'µs', took, '< 5'),
    figure(`compile ${rows.length} policy rows, ${name}`, 'ms', compiled),
  ]
}

function figure(name: string, unit: string, value: number, target?: string): Figure {
  return { figure: name, unit, value: Math.round(value * 100) / 100, ...(target === undefined ? {} : { target }) }
}

/** Ten rows and a group for each of a thousand teams. */
function manyTeams(): string {
  const actions = ['get', 'sync', 'create', 'update', 'delete', 'action/*', 'override', 'rollback', 'update/*']
  return Array.from({ length: 1000 }, (_, team) => [
    ...actions.map(action => `p, role:team-${team}, applications, ${action}, p${team}/*, allow`),
    `p, role:team-${team}, applications, delete, p${team}/app-1*, deny`,
    `g, team-${team}, role:team-${team}`,
  ])
    .flat()
    .join('\n')
}

/** Everybody in one role that names every project. */
function oneRole(): string {
  const rows = Array.from({ length: ROWS / 2 }, (_, index) =>
    ['get', 'sync'].map(action => `p, role:all, applications, ${action}, p${index}/*, allow`),
  )
  return [...rows.flat(), 'g, everybody, role:all'].join('\n')
}

/** What no index helps with: every pattern begins with a star. */
function alike(): string {
  const rows = Array.from({ length: ROWS / 2 }, (_, index) =>
    ['get', 'sync'].map(action => `p, role:all, applications, ${action}, *${index}/app-${index % 50}*, allow`),
  )
  return [...rows.flat(), 'g, everybody, role:all'].join('\n')
}

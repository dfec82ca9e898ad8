import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const application = (name: string, cluster: string): string => `apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: ${name}, labels: {tier: gold}}
spec:
  project: shop
  source: {repoURL: https://git.example.com/shop.git, path: ${name}}
  destination: {name: ${cluster}, namespace: shop}
`
const FLEET = [
  application('checkout', 'eu-1'),
  application('cart', 'eu-1'),
  application('books', 'us-1'),
  'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: eu-1}\nspec: {environment: prod, timeZone: Europe/Berlin}\n',
  'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: us-1}\nspec: {timeZone: America/New_York}\n',
  `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  syncWindows:
  - {kind: allow, schedule: "0 22 * * *", duration: 8h, timeZone: Europe/Berlin, clusters: [eu-1], manualSync: true, syncOverrun: true, description: nights only}
`,
  `apiVersion: flotilla.dev/v1alpha1
kind: FreezePeriod
metadata: {name: year-end}
spec:
  level: hard
  reason: Year-end closing
  scope: {environments: [prod]}
  when: [{from: "2026-12-18T18:00", until: "2027-01-04T06:00"}]
  timeZone: cluster
`,
].join('---\n')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-gates-'))
  mkdirSync(join(folder, 'fleet'))
  mkdirSync(join(folder, 'broken'))
  writeFileSync(join(folder, 'fleet', 'all.yaml'), FLEET)
  writeFileSync(join(folder, 'broken', 'all.yaml'), FLEET.replace('2027-01-04', '2025-01-04'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...words: string[]) => runInProcess(['window', ...words], { cwd: folder })

describe('flotilla window explain', () => {
  test('says what holds, in every layer, and when it lets go', async () => {
    const { code, stdout } = await run(
      'explain',
      'fleet',
      '--app',
      'checkout',
      '--at',
      '2026-12-20T12:00:00Z',
      '-o',
      'json',
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      allowed: false,
      layers: [
        {
          name: 'freeze',
          allowed: false,
          blockers: [
            {
              rule: 'FreezePeriod/year-end',
              kind: 'FreezePeriod',
              code: 'FREEZE_HARD',
              reason: 'Year-end closing',
              opensAt: '2027-01-04T05:00:00.000Z',
            },
          ],
        },
        {
          name: 'window',
          allowed: false,
          blockers: [
            {
              rule: 'Project/shop syncWindows[0]',
              kind: 'SyncWindow',
              code: 'WINDOW_NOT_OPEN',
              reason: 'nights only',
              opensAt: '2026-12-20T21:00:00.000Z',
            },
          ],
        },
      ],
      nextChange: '2027-01-04T21:00:00.000Z',
      evaluatedAt: '2026-12-20T12:00:00.000Z',
    })
  })

  test.each<[string, string[], boolean]>([
    ['an automated start by day', ['--at', '2026-12-10T12:00:00Z'], false],
    ['a manual one', ['--at', '2026-12-10T12:00:00Z', '--trigger', 'manual'], true],
    [
      'one that began at night may finish',
      ['--at', '2026-12-10T05:05:00Z', '--operation-start', '2026-12-10T04:55:00Z'],
      true,
    ],
    ['a local time is one of the cluster', ['--at', '2026-12-10T05:59'], true],
    ['or of the zone that is named', ['--at', '2026-12-10T05:59', '--time-zone', 'UTC'], false],
  ])('%s', async (_, words, allowed) => {
    const { code, stdout } = await run('explain', 'fleet', '--app', 'checkout', ...words, '-o', 'json')
    expect(JSON.parse(stdout).allowed).toBe(allowed)
    expect(code).toBe(allowed ? 0 : 1)
  })

  test('for people: in the time of the cluster, which is named', async () => {
    const { stdout } = await run('explain', 'fleet', '--app', 'checkout', '--at', '2026-12-20T12:00:00Z')
    expect(stdout).toContain('checkout is closed for automated starts at 2026-12-20 13:00 +01:00 (Europe/Berlin)')
    expect(stdout).toMatch(
      /freeze\s+FreezePeriod\/year-end\s+FREEZE_HARD\s+2027-01-04 06:00 \+01:00\s+Year-end closing/,
    )
    expect(stdout).toContain('next change: 2027-01-04 22:00 +01:00')
  })

  test('a freeze with mistakes closes all, rather than nothing', async () => {
    const { code, stdout } = await run(
      'explain',
      'broken',
      '--app',
      'books',
      '--at',
      '2026-06-20T12:00:00Z',
      '-o',
      'json',
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout).layers[0].blockers[0]).toMatchObject({
      code: 'INDETERMINATE',
      reason: 'cannot be evaluated: FreezePeriod "year-end" has mistakes: flotilla validate lists them',
    })
  })

  test.each<[string, string[], string]>([
    ['an unknown Application', ['--app', 'chekout'], 'did you mean "checkout"?'],
    ['a time that is none', ['--app', 'checkout', '--at', 'tomorrow'], '--at tomorrow is no time'],
    ['a zone that is none', ['--app', 'checkout', '--time-zone', 'Mars'], '--time-zone Mars is not an IANA time zone'],
    ['another trigger', ['--app', 'checkout', '--trigger', 'robot'], 'Allowed choices are auto, manual'],
    ['no Application', [], "required option '--app <name>' not specified"],
  ])('refuses %s', async (_, words, expected) => {
    const { code, stderr } = await run('explain', 'fleet', ...words)
    expect(code).toBeGreaterThan(0)
    expect(stderr).toContain(expected)
  })
})

describe('flotilla window timeline', () => {
  const range = ['--from', '2026-12-18T12:00:00Z', '--to', '2026-12-19T12:00:00Z']

  test('of one Application: what is open and closed, without gaps', async () => {
    const { code, stdout } = await run('timeline', 'fleet', '--app', 'checkout', ...range, '-o', 'json')
    expect(code).toBe(0)
    const window = 'Project/shop syncWindows[0]'
    expect(JSON.parse(stdout)).toEqual({
      application: 'checkout',
      from: '2026-12-18T12:00:00.000Z',
      to: '2026-12-19T12:00:00.000Z',
      intervals: [
        {
          from: '2026-12-18T12:00:00.000Z',
          to: '2026-12-18T17:00:00.000Z',
          automated: 'closed',
          manual: 'open',
          rules: [window],
        },
        {
          from: '2026-12-18T17:00:00.000Z',
          to: '2026-12-19T12:00:00.000Z',
          automated: 'closed',
          manual: 'closed',
          rules: ['FreezePeriod/year-end', window],
        },
      ],
    })
  })

  test('of all: those with one timeline together', async () => {
    const { stdout } = await run('timeline', 'fleet', ...range, '-o', 'json')
    const { timelines } = JSON.parse(stdout) as { timelines: { applications: string[]; intervals: unknown[] }[] }
    expect(timelines.map(({ applications, intervals }) => [applications.toSorted(), intervals.length])).toEqual([
      [['cart', 'checkout'], 2],
      [['books'], 1],
    ])
    expect((await run('timeline', 'fleet', ...range)).stdout).toContain('checkout, cart (UTC)\nFROM')
  })

  test('refuses a range that ends before it begins', async () => {
    const { code, stderr } = await run('timeline', 'fleet', '--from', '2026-12-18T12:00:00Z', '--to', '2026-12-17')
    expect([code, stderr]).toEqual([2, expect.stringContaining('--to 2026-12-17 is not after')])
  })
})

test('the commands of docs/gates.md are taken', async () => {
  const text = readFileSync(new URL('../../../docs/gates.md', import.meta.url), 'utf8')
  const commands = [...text.matchAll(/^flotilla window (.*)$/gm)].map(([, words]) => words!.split(' '))
  expect(commands).toHaveLength(2)
  for (const words of commands) expect((await run(...words)).stderr).toBe('')
})

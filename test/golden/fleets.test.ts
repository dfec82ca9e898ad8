import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { itemJson } from '@flotilla/cli/offline/item-json'
import { expandOffline, readOfflineFleet } from '@flotilla/cli/offline/offline-fleet'
import { readSources } from '@flotilla/cli/offline/read-sources'
import { readRecordedInputs } from '@flotilla/cli/offline/recorded-inputs'
import { runInProcess } from '@flotilla/cli/testing/run-in-process'
import type { Json } from '@flotilla/core/json/json'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { yamlDocuments } from '@flotilla/core/yaml/print-yaml'
import { compareWithHub } from '@flotilla/hub/preview/testing/preview-law'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLES, type ExampleFleet, editsOf, FLEETS, filesOf } from './fleets.ts'

/**
 * Golden stories: an example fleet goes in, its Applications come out as a YAML file beside this test, and so does the
 * preview of a change. After a change that is meant, `UPDATE_GOLDEN=1 npx vitest run test/golden` rewrites them, and
 * the review reads the difference.
 */
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'flotilla-golden-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe.each(FLEETS)('$name', fleet => {
  const { name, config, url, inputs, sources } = fleet
  const folder = `${EXAMPLES}${name}`

  test('becomes the Applications that it became before', async () => {
    const text =
      sources === undefined ? await applicationsOf(fleet) : await everythingIn(fleet, join(root, `${name}-all`))
    expectGolden(`${name}.applications.yaml`, text)
  })

  test('becomes what it became before, when $about'.replace('$about', fleet.about), async () => {
    const copy = join(root, name)
    put(copy, filesOf(fleet))
    git(copy, 'init', '-q', '-b', 'main')
    git(copy, 'add', '-A')
    git(copy, 'commit', '-q', '-m', 'base')
    put(copy, editsOf(fleet))
    const words = ['preview', config, '--base', 'main', '--repo', `${url}=.`]
    const more = [...(inputs ?? []).flatMap(path => ['--inputs', path]), ...(sources ? ['--sources', sources] : [])]
    const { stdout, stderr } = await runInProcess([...words, ...more], { cwd: copy })
    expectGolden(`${name}.preview.txt`, `# ${fleet.about}\n\n${stdout}${stderr === '' ? '' : `\n${stderr}`}`)
  })

  test('changes as its preview says', async () => {
    const configSources =
      sources === undefined
        ? [{ name: 'config', repository: url, revision: 'main', path: config, trust: { kind: 'all' } as const }]
        : readSources(sources, folder, () => true)
    const recorded = readRecordedInputs(inputs ?? [], folder)
    const hosted = { answer: async (request: Parameters<typeof recorded.answer>[0]) => recorded.answer(request) }
    const base = { [url]: filesOf(fleet) }
    const { foreseen, happened } = await compareWithHub(base, { [url]: editsOf(fleet) }, configSources, hosted)
    expect(foreseen).toEqual(happened)
    expect(Object.values(happened).flat()).not.toEqual([])
  })

  test('has a page that says what it is', () => {
    expect(filesOf(fleet)['README.md']).toMatch(/^# .+\n\n/)
    expect(readFileSync(join(EXAMPLES, 'README.md'), 'utf8')).toContain(`(${name}/README.md)`)
  })
})

async function applicationsOf({ name, config, url, inputs }: ExampleFleet): Promise<string> {
  const read = await readOfflineFleet({ cwd: `${EXAMPLES}${name}`, path: config, repo: [`${url}=.`], inputs })
  const { applications, diagnostics } = await expandOffline(read)
  await read.repositories.close()
  const errors = [...read.diagnostics, ...diagnostics].filter(one => one.severity === 'error')
  expect(errors.map(formatDiagnostic)).toEqual([])
  return yamlDocuments(applications.map(itemJson))
}

/** Of several config sources each declares its part: together they are what an empty repository would get. */
async function everythingIn(fleet: ExampleFleet, copy: string): Promise<string> {
  put(copy, { '.gitignore': '' })
  git(copy, 'init', '-q', '-b', 'nothing')
  git(copy, 'add', '-A')
  git(copy, 'commit', '-q', '-m', 'nothing')
  put(copy, filesOf(fleet))
  const words = ['preview', fleet.config, '--base', 'nothing', '--repo', `${fleet.url}=.`, '--sources', fleet.sources!]
  const { code, stdout } = await runInProcess([...words, '-o', 'json'], { cwd: copy })
  expect(code).toBe(0)
  const created: readonly { readonly diff: unknown; readonly [member: string]: unknown }[] = JSON.parse(stdout).created
  return yamlDocuments(created.map(({ diff: _, ...about }) => about as Json))
}

function expectGolden(file: string, text: string): void {
  const golden = fileURLToPath(new URL(file, import.meta.url))
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text)
  expect(existsSync(golden), `${golden} is missing; UPDATE_GOLDEN=1 writes it`).toBe(true)
  expect(text).toBe(readFileSync(golden, 'utf8'))
}

function put(folder: string, files: { readonly [path: string]: string | null }): void {
  for (const [path, text] of Object.entries(files)) {
    const full = join(folder, path)
    mkdirSync(dirname(full), { recursive: true })
    if (text === null) rmSync(full, { force: true })
    else writeFileSync(full, text)
  }
}

function git(folder: string, ...words: readonly string[]): void {
  const who = ['-c', 'user.email=test@example.com', '-c', 'user.name=test', '-c', 'commit.gpgsign=false']
  execFileSync('git', ['-C', folder, ...who, ...words], { stdio: 'ignore' })
}

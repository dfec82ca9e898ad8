import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInProcess } from '@flotilla/cli/testing/run-in-process'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ExampleFleet, editsOf, FLEETS, filesOf } from './fleets.ts'

/**
 * What the pages on previews and explanations show is what the command prints, in a repository that holds an example:
 * three-environments for docs/, its own for the page of an example. A line `…` stands for lines that are left out.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const [THREE] = FLEETS as [ExampleFleet]

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'flotilla-pages-'))
  for (const fleet of FLEETS) makeRepository(fleet)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Command {
  readonly place: string
  readonly fleet: ExampleFleet
  readonly words: readonly string[]
  readonly shown: string
}

const COMMANDS: readonly Command[] = [
  ...['docs/preview.md', 'docs/explain.md'].flatMap(page => commandsOf(page, THREE)),
  ...FLEETS.flatMap(fleet => commandsOf(`examples/${fleet.name}/README.md`, fleet)),
]

describe('commands of pages', () => {
  test('are there', () => expect(COMMANDS.length).toBeGreaterThan(15))

  test.each(COMMANDS)('$place: $words', async ({ fleet, words, shown, place }) => {
    const copy = join(root, fleet.name)
    git(copy, 'stash', '-q', '--include-untracked')
    if (words[0] === 'preview' && place === 'docs/preview.md') put(copy, editsOf(fleet))
    const { code, stdout } = await runInProcess(words, { cwd: copy })
    expect(code).toBe(0)
    if (shown === '') return
    let at = 0
    for (const part of shown.split(/^…\n/m)) {
      const found = stdout.indexOf(part, at)
      expect(found, `this is not printed:\n${part}\n--- but:\n${stdout}`).toBeGreaterThanOrEqual(0)
      at = found + part.length
    }
    if (!/^…$/m.test(shown)) expect(stdout).toBe(shown)
  })
})

describe('docs/preview.md', () => {
  const text = readFileSync(join(ROOT, 'docs/preview.md'), 'utf8')
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(match => match[1]!)

  test('its recipes for CI are YAML, and call the command as it is', async () => {
    const recipes = blocks('yml')
    expect(recipes).toHaveLength(3)
    for (const recipe of recipes) expect(parseYamlDocuments(recipe, { file: 'recipe.yml' }).diagnostics).toEqual([])
    const calls = recipes.flatMap(recipe =>
      [...recipe.matchAll(/flotilla (preview .*) > preview\.md/g)].map(([, call]) => call!),
    )
    expect(calls).toHaveLength(2)
    const copy = join(root, THREE.name)
    git(copy, 'stash', '-q', '--include-untracked')
    for (const call of calls) {
      const words = call.replace('HEAD^1', 'main').replace('"$CI_MERGE_REQUEST_DIFF_BASE_SHA"', 'main').split(' ')
      const { code, stdout } = await runInProcess(words, { cwd: copy })
      expect([code, stdout.split('\n')[0]]).toEqual([0, '<!-- flotilla-preview -->'])
    }
  })

  test('its recorded inputs are read', async () => {
    const copy = join(root, THREE.name)
    const recorded = blocks('yml').find(block => block.startsWith('- request:'))!
    put(root, { 'inputs.yaml': recorded })
    const { code } = await runInProcess(['expand', 'fleet', '--inputs', '../inputs.yaml'], { cwd: copy })
    expect(code).toBe(0)
  })

  test('its JSON is JSON, with the members that there are', async () => {
    const [shape] = blocks('json')
    const { stdout } = await runInProcess(['preview', 'fleet', '--base', 'main', '-o', 'json'], {
      cwd: join(root, THREE.name),
    })
    expect(Object.keys(JSON.parse(shape!))).toEqual(Object.keys(JSON.parse(stdout)))
    for (const block of blocks('json')) JSON.parse(block)
  })

  test('names every option', async () => {
    const { stdout } = await runInProcess(['preview', '--help'])
    const own = [...stdout.split('Global Options:')[0]!.matchAll(/^ {2}(--[a-z-]+)/gm)].map(match => match[1]!)
    expect(own.length).toBeGreaterThan(5)
    for (const option of own) expect(text).toContain(`\`${option}`)
  })
})

function commandsOf(page: string, fleet: ExampleFleet): readonly Command[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map(part => {
        const [command = '', ...shown] = part.split('\n')
        return { place: page, fleet, words: command.replace(/^flotilla /, '').split(/\s+/), shown: shown.join('\n') }
      }),
  )
}

function makeRepository(fleet: ExampleFleet): void {
  const copy = join(root, fleet.name)
  put(copy, filesOf(fleet))
  git(copy, 'init', '-q', '-b', 'main')
  git(copy, 'remote', 'add', 'origin', fleet.url)
  git(copy, 'add', '-A')
  git(copy, 'commit', '-q', '-m', 'base')
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

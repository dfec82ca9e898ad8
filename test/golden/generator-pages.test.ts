import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { documentName } from '@flotilla/cli/offline/item-json'
import { expandOffline, readOfflineFleet } from '@flotilla/cli/offline/offline-fleet'
import type { Application } from '@flotilla/core/model/application'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { describe, expect, test } from 'vitest'

/**
 * The examples of docs/generators run. A section is one when it has a block `becomes`: the blocks of the section with
 * `file=PATH` are written into a folder, with those of the README; `repository=NAME` lists the paths of a repository
 * `https://git.example.com/NAME.git`, and `repository=NAME file=PATH` is a file in it;
 * `inputs=PATH` is a file of recorded inputs. What the folder `fleet` expands
 * to has to be what `becomes` says, a line for each Application: name, cluster/namespace, and
 * the path of its source, with the revision unless that is `main`; then kind and name of other documents.
 */
const PAGES = fileURLToPath(new URL('../../docs/generators/', import.meta.url))

interface Block {
  readonly info: ReadonlyMap<string, string>
  readonly text: string
}

function blocksOf(section: string): readonly Block[] {
  return [...section.matchAll(/^```\w+ ([^\n]+)\n([\s\S]*?)^```$/gm)].map(([, words = '', text = '']) => ({
    info: new Map(words.split(' ').map(word => word.split('=', 2) as [string, string])),
    text,
  }))
}

function sectionsOf(page: string) {
  return readFileSync(join(PAGES, page), 'utf8')
    .split(/^(?=#+ )/m)
    .map(text => ({ page, title: /^#+ (.*)/.exec(text)?.[1] ?? '', blocks: blocksOf(text) }))
}

const isExample = ({ blocks }: { readonly blocks: readonly Block[] }): boolean =>
  blocks.some(({ info }) => info.has('becomes'))
const common = sectionsOf('README.md')
  .filter(section => !isExample(section))
  .flatMap(({ blocks }) => blocks.filter(({ info }) => info.has('file')))
const examples = readdirSync(PAGES)
  .filter(page => page.endsWith('.md'))
  .flatMap(sectionsOf)
  .filter(isExample)

/** The folder in which an example stands, with the repositories and recorded inputs that it reads. */
function written(blocks: readonly Block[], folder: string) {
  const repositories = new Set<string>()
  const inputs: string[] = []
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (const { info, text } of blocks) {
    const repository = info.get('repository')
    const file = info.get('file')
    const recorded = info.get('inputs')
    if (recorded !== undefined) inputs.push(recorded)
    if (recorded !== undefined) write(recorded, text)
    if (repository !== undefined) repositories.add(repository)
    if (repository !== undefined && file === undefined) {
      for (const path of text.split('\n').filter(Boolean)) {
        write(join(repository, path.endsWith('/') ? `${path}kustomization.yaml` : path), '')
      }
    } else if (file !== undefined) write(repository === undefined ? file : join(repository, file), text)
  }
  return { repo: [...repositories].map(name => `https://git.example.com/${name}.git=${name}`), inputs }
}

function line({ metadata, spec }: Application): string {
  const { name = '', server = '', namespace = '' } = spec.destination
  const { path = '-', targetRevision = 'HEAD' } = spec.source ?? {}
  return `${metadata.name} ${name || server}/${namespace} ${path}${targetRevision === 'main' ? '' : `@${targetRevision}`}`
}

async function expanded(blocks: readonly Block[]) {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-example-'))
  try {
    const fleet = await readOfflineFleet({ cwd: folder, path: 'fleet', ...written([...common, ...blocks], folder) })
    const { applications, diagnostics } = await expandOffline(fleet)
    await fleet.repositories.close()
    const errors = [...fleet.diagnostics, ...diagnostics].filter(({ severity }) => severity === 'error')
    const lines = [...applications.map(line), ...fleet.generated.map(documentName)]
    return { lines, errors: errors.map(formatDiagnostic) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('every page of a generator here has an example that runs', () => {
  const pages = new Set(examples.map(({ page }) => page))
  const keys = ['list', 'clusters', 'git', 'matrix', 'merge', 'union', 'plugin', 'cluster-decision-resource']
  for (const key of keys) expect(pages).toContain(`${key}.md`)
})

describe.each(examples)('$page: $title', ({ blocks }) => {
  test('becomes what the page says', async () => {
    const becomes = blocks.find(({ info }) => info.has('becomes'))!
    const { lines, errors } = await expanded(blocks)
    const said = becomes.text.split('\n').map(each => each.trim().replaceAll(/ +/g, ' '))
    expect({ errors, lines }).toEqual({ errors: [], lines: said.filter(Boolean) })
  })
})

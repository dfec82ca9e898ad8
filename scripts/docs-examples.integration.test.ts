import { spawnSync } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fencedBlocks, PAGES } from './fenced-blocks.ts'

const COMMAND = resolve('cli/bin/flotilla.mjs')
/** Without a hub and without the network. */
const OFFLINE = ['validate', 'expand', 'explain', 'render', 'version']

interface Run {
  readonly name: string
  readonly folder: string
  readonly words: readonly string[]
  /** What the page shows; empty when it shows nothing. */
  readonly shown: string
}

/** A console block holds commands (`$ flotilla …`) and what a terminal shows after each. */
describe('console blocks', () => {
  // What these pages compare are two commits: test/golden/pages.integration.test.ts makes them.
  const pages = PAGES.filter(page => !['docs/preview.md', 'docs/explain.md'].includes(page))
  const runs = fencedBlocks('console', pages).flatMap(({ page, line, text }) =>
    text
      .split(/^\$ /m)
      .slice(1)
      .map((part): Run => {
        const [command = '', ...shown] = part.split('\n')
        const folder = page.startsWith('examples/') ? dirname(page) : '.'
        const words = command.replace(/^(npx )?flotilla /, '').split(/\s+/)
        return { name: `${page}:${line} ${command}`, folder, words, shown: shown.join('\n') }
      })
      .filter(({ words }) => words[0] !== 'preview'),
  )

  test('are there', () => expect(runs.length).toBeGreaterThan(5))

  for (const { name, folder, words, shown } of runs) {
    test(name, () => {
      expect(OFFLINE).toContain(words[0])
      const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...words], {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      })
      if (shown === '') expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
      else expect(stdout + stderr).toBe(shown)
    })
  }
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '@flotilla/agents/settings'
import { load, mergeFleets } from '@flotilla/config'
import { gatherSettings } from '@flotilla/hub/settings/gather-settings'
import { ALL_FIELDS, HUB_SETTINGS } from '@flotilla/hub/settings/hub-settings'
import { describe, expect, it } from 'vitest'
import { fencedBlocks } from './fenced-blocks.ts'

/** What people copy out of the pages works. */
describe('yaml blocks', () => {
  const blocks = fencedBlocks('yaml')

  it('are there', () => expect(blocks.length).toBeGreaterThan(5))

  for (const { page, line, text } of blocks) {
    it(`${page}:${line}`, () => {
      const [first = ''] = text.split('\n', 1)
      if (first === '# hub.yaml') expect(hubProblems(text)).toEqual([])
      else if (first === '# agent.yaml') expect(agentProblems(text)).toEqual([])
      else expect(documentErrors(text)).toEqual([])
    })
  }
})

describe('docs/running.md', () => {
  const [, hub = '', agent = ''] =
    /## The hub\n([\s\S]*?)\n## TLS[\s\S]*?## The agent's settings\n([\s\S]*?)\n## Backup/.exec(
      readFileSync('docs/running.md', 'utf8'),
    )!

  it('lists every setting of the hub, and none that is gone', () => {
    expect(settingNames(hub)).toEqual([...ALL_FIELDS].sort())
  })

  it("tells the hub's defaults", () => {
    const told = Object.fromEntries(
      [...hub.matchAll(/^\| `([\w.]+)` \| `([^`]*)` \|/gm)].map(match => [match[1], match[2]]),
    )
    const fallbacks = Object.entries(HUB_SETTINGS).flatMap(([field, setting]) => {
      const fallback: unknown = 'fallback' in setting ? setting.fallback : undefined
      return fallback === undefined || Array.isArray(fallback) ? [] : [[field, String(fallback)]]
    })
    expect(told).toMatchObject(Object.fromEntries(fallbacks))
  })

  it('lists every setting of the agent, and none that is gone', () => {
    const help = readSettings({ argv: ['--help'], environment: {} })
    const flags = help.kind === 'help' ? [...help.text.matchAll(/^ {2}--([a-z-]+) /gm)].map(match => match[1]!) : []
    const names = flags
      .filter(flag => flag !== 'print-config')
      .map(flag => flag.replace(/-[a-z]/g, part => part[1]!.toUpperCase()))
    expect(settingNames(agent)).toEqual(names.sort())
  })
})

/** Names in the first column of a table of settings. */
function settingNames(section: string): readonly string[] {
  return [...section.matchAll(/^\| (`[^|]*`) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`([\w.]+)`/g)].map(match => match[1]!))
    .sort()
}

function hubProblems(text: string) {
  const gathered = gatherSettings({ file: { path: 'hub.yaml', text }, environment: {}, flags: {} })
  return gathered.kind === 'refused' ? gathered.problems : gathered.warnings
}

function agentProblems(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-docs-'))
  try {
    writeFileSync(join(folder, 'agent.yaml'), text)
    const read = readSettings({ argv: ['--config', join(folder, 'agent.yaml'), '--print-config'], environment: {} })
    return read.kind === 'problems' ? read.problems : []
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function documentErrors(text: string) {
  const loaded = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'example.yaml', text }] })
  // What a page says of a gate that is read and not enforced yet is no mistake of its example.
  return mergeFleets([loaded]).diagnostics.filter(
    ({ severity, code }) => severity === 'error' && code !== 'FIELD_NOT_SUPPORTED_YET',
  )
}

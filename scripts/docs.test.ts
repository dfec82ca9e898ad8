import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Code and reference pages name the same codes: one that is missing, and one that is gone, both fail. */
describe('docs/holds.md', () => {
  const declared = [...readFileSync('core/src/model/hold.ts', 'utf8').matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(
    match => match[1],
  )
  const documented = [...readFileSync('docs/holds.md', 'utf8').matchAll(/^\| `([A-Z_]+)`/gm)].map(match => match[1])

  it('explains every code, and none that is gone', () => {
    expect(declared.length).toBeGreaterThan(20)
    expect([...documented].sort()).toEqual([...declared].sort())
  })
})

const PAGES = readdirSync('docs', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.md'))
  .map(name => join('docs', name))

describe('links', () => {
  for (const page of ['README.md', 'CONTRIBUTING.md', 'cli/README.md', 'test/bench/README.md', ...PAGES]) {
    it(`of ${page} lead somewhere`, () => {
      const text = readFileSync(page, 'utf8').replaceAll(/```[\s\S]*?```/g, '')
      const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1]!)
      expect(links.filter(link => !/^https?:/.test(link) && !leadsSomewhere(page, link))).toEqual([])
    })
  }

  it('of the README lead to every page, at least by way of another', () => {
    const seen = new Set(['README.md'])
    for (const page of seen) {
      for (const [, link = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)/g)) {
        const target = join(dirname(page), link)
        if (target.endsWith('.md') && existsSync(target)) seen.add(target)
      }
    }
    expect(PAGES.filter(page => !seen.has(page))).toEqual([])
  })
})

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#', 2)
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(target)) return false
  if (anchor === undefined) return true
  const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(match => match[1]!)
  return headings.some(
    heading =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-') === anchor,
  )
}

/** A comment says `protocol.md 5.2`: whoever follows it has docs/ alone, and finds the section there. */
describe('references in comments', () => {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.ts'], {
    encoding: 'utf8',
  })
  const files = listed.split('\0').filter(path => path !== '' && !path.includes('/dist/') && existsSync(path))
  const references = files.flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/(?:\/\/|\*).*?([\w/-]+\.md)\b(?:,? (?:section )?(\d+(?:\.\d+)*))?/g)].map(
      ([, page = '', section]) => ({ file, page: basename(page), section }),
    ),
  )

  it('name pages that are there', () => {
    const known = new Set([...PAGES.map(page => basename(page)), 'README.md', 'CONTRIBUTING.md'])
    expect(references.length).toBeGreaterThan(50)
    expect(references.filter(({ page }) => !known.has(page))).toEqual([])
  })

  it('name sections that are there', () => {
    const sections = new Map(PAGES.map(page => [basename(page), sectionsOf(readFileSync(page, 'utf8'))]))
    const lost = references.filter(
      ({ page, section }) => section !== undefined && sections.get(page)?.has(section) === false,
    )
    expect(lost).toEqual([])
  })
})

/** Numbers of headings, and of the items of numbered lists below them: `5`, `9.3.1`, `5.2`. */
function sectionsOf(text: string): ReadonlySet<string> {
  const found = new Set<string>()
  let heading = ''
  for (const line of text.split('\n')) {
    const number = /^#+ (\d+(?:\.\d+)*)[. ]/.exec(line)?.[1]
    if (number !== undefined) {
      heading = number
      found.add(number)
    }
    const item = /^(\d+)\. /.exec(line)?.[1]
    if (item !== undefined && heading !== '') found.add(`${heading}.${item}`)
  }
  return found
}

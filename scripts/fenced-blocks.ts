import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A fenced block of a page, with the line of its first line. */
export interface FencedBlock {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
}

/** Every page that people read: the top folder's, docs/, and those of the examples. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name)),
  'examples/README.md',
  ...readdirSync('examples', { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => join('examples', name, 'README.md')),
]

/** The fenced blocks of these pages; a page that is not there has none. */
export function fencedBlocks(language: string, pages: readonly string[] = PAGES): readonly FencedBlock[] {
  return pages.flatMap(page => {
    let text: string
    try {
      text = readFileSync(page, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
      .map(match => ({
        page,
        line: text.slice(0, match.index).split('\n').length + 1,
        language: match[1]!,
        text: match[2]!,
      }))
      .filter(block => block.language === language)
  })
}

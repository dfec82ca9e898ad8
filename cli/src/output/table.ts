import { stripVTControlCharacters } from 'node:util'
import type { Colours } from './colours.ts'

/** Columns two blanks apart, headed in capitals; no rows give the heading alone. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], colours: Colours): string {
  const all = [headings, ...rows.map(row => row.map(printable))]
  const widths = headings.map((_, column) => Math.max(...all.map(row => displayWidth(row[column] ?? ''))))
  const lines = all.map((row, index) => {
    const line = headings
      .map((_, column) => pad(row[column] ?? '', widths[column]!))
      .join('  ')
      .trimEnd()
    return index === 0 ? colours.bold(line) : line
  })
  return `${lines.join('\n')}\n`
}

/** Text from documents may hold anything: it must not move the cursor or break the line. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, '\uFFFD')
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

function displayWidth(text: string): number {
  return [...text].length
}

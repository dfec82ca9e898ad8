import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { findPlanted, plantedTable } from './find-planted.ts'
import { ROOT, replaced } from './plant.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'

const EDITS = PLANTED_BUGS.flatMap(({ name, edits }) => edits.map(edit => ({ name, ...edit })))

test.each(EDITS)('$name: what it replaces stands in $file once', ({ file, find, replace }) => {
  const text = readFileSync(`${ROOT}${file}`, 'utf8')
  expect(replaced(text, file, find, replace)).not.toBe(text)
})

test('there are twelve, with names of their own', () => {
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length)
  expect(PLANTED_BUGS.length).toBeGreaterThanOrEqual(12)
})

/** From {@link PLANTED_BUGS.found}, a known seed each; `npm run simulate -- --planted` looks for them from seed 1. */
test('each is told by a law', { timeout: 1_200_000 }, async () => {
  const found = await findPlanted(PLANTED_BUGS, { seeds: 1, jobs: availableParallelism(), from: bug => bug.foundBy })
  const missed = found.filter(({ law }) => law === undefined)
  expect(
    missed.map(({ bug }) => bug.name),
    plantedTable(found),
  ).toEqual([])
})

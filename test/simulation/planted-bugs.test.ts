import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { findPlanted, plantedTable } from './find-planted.ts'
import { ROOT, replaced } from './plant.ts'
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.ts'

/** Other changes move what a seed leads to: so many further ones are looked at. */
const SEEDS = 200
const EDITS = PLANTED_BUGS.flatMap(({ name, edits }) => edits.map(edit => ({ name, ...edit })))

test.each(EDITS)('$name: what it replaces stands in $file once', ({ file, find, replace }) => {
  const text = readFileSync(`${ROOT}${file}`, 'utf8')
  expect(replaced(text, file, find, replace)).not.toBe(text)
})

test('there are twelve, with names of their own', () => {
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length)
  expect(PLANTED_BUGS.length).toBeGreaterThanOrEqual(12)
})

/** From a seed that is known to lead to it; `npm run simulate -- --planted` looks for all of them from seed 1. */
test('each is told by a law', { timeout: 1_200_000 }, async () => {
  const options = { seeds: SEEDS, jobs: availableParallelism(), from: ({ foundBy }: PlantedBug) => foundBy }
  const found = await findPlanted(PLANTED_BUGS, options)
  const missed = found.filter(({ law }) => law === undefined)
  expect(
    missed.map(({ bug }) => bug.name),
    plantedTable(found),
  ).toEqual([])
})

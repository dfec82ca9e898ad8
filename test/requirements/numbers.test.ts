import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

it('every number from 1 to 37 has its requirement, which runs on both clusters', async () => {
  const files = (await readdir(import.meta.dirname)).filter(name => name.endsWith('.test.ts'))
  const texts = await Promise.all(files.map(name => readFile(`${import.meta.dirname}/${name}`, 'utf8')))
  const declared = texts.flatMap(text =>
    [...text.matchAll(/^ {2}requirement\(\s*(\d+),/gm)].map(([, number]) => Number(number)),
  )
  expect([...new Set(declared)].sort((a, b) => a - b)).toEqual(Array.from({ length: 37 }, (_, index) => index + 1))
})

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { branchSlug } from './slug.ts'

const rows = JSON.parse(readFileSync(new URL('../testing/fixtures/slugs.json', import.meta.url), 'utf8')) as [
  string,
  string,
][]

test.each(rows)('%j has the slug that Argo CD gives it', (text, slug) => {
  expect(branchSlug(text)).toBe(slug)
})

import { readFileSync } from 'node:fs'
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

describe('README.md', () => {
  it('links only to pages that are there', () => {
    const links = [...readFileSync('README.md', 'utf8').matchAll(/\]\(([^)#]+)\)/g)].map(match => match[1]!)
    const missing = links.filter(link => {
      try {
        readFileSync(link)
        return false
      } catch {
        return true
      }
    })
    expect(missing).toEqual([])
  })
})

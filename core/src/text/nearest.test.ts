import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

it.each([
  ['metdata', ['metadata', 'spec'], 'metadata'],
  ['timezone', ['timeZone', 'servers'], 'timeZone'],
  ['Validtae', ['Validate', 'Replace'], 'Validate'],
  ['xyz', ['metadata', 'spec'], undefined],
  ['', ['a'], 'a'],
] as const)('%s is nearest to the right one of %j', (mistaken, known, expected) => {
  expect(nearest(mistaken, known)).toBe(expected)
})

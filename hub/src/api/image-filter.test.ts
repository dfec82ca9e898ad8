import { expect, it } from 'vitest'
import { imageMatcher } from './image-filter.ts'

const WEB = 'registry.example.com:5000/shop/web:1.4.2'

it.each([
  ['every tag of a repository', ['registry.example.com:5000/shop/web'], true],
  ['exactly one', [WEB], true],
  ['another tag', ['registry.example.com:5000/shop/web:1.4'], false],
  ['what only begins so', ['registry.example.com:5000/shop/we'], false],
  ['any registry', ['*/web:1.4.2'], true],
  ['any tag of a line', ['*/web:1.4.*'], true],
  ['stars that share nothing', ['registry*registry*'], false],
  ['one of several', ['x', '*/web*'], true],
  ['nothing wanted', undefined, true],
] as const)('%s', (_, wanted, passes) => {
  expect(imageMatcher(wanted)([WEB])).toBe(passes)
})

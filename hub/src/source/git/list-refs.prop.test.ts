import { FUZZ_CASES, hostileBytes, quickly } from '@flotilla/core/protocol/testing/hostile'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseListing, speaksListing } from './list-refs.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)

function packets(...lines: readonly string[]): Uint8Array {
  const written = lines.map(line => `${(Buffer.byteLength(line) + 5).toString(16).padStart(4, '0')}${line}\n`)
  return Buffer.from(`${written.join('')}0000`)
}

const greeting = (...capabilities: readonly string[]): Uint8Array =>
  Buffer.concat([packets('# service=git-upload-pack'), packets('version 2', ...capabilities)])

describe('what a server offers', () => {
  const cases: Record<string, { readonly says: Uint8Array; readonly speaks: boolean }> = {
    'version 2 with listing': {
      says: greeting('agent=git/2.39', 'ls-refs=unborn', 'object-format=sha1'),
      speaks: true,
    },
    'without a word on its hash': { says: greeting('ls-refs', 'fetch=shallow'), speaks: true },
    'another hash': { says: greeting('ls-refs', 'object-format=sha256'), speaks: false },
    'no listing': { says: greeting('fetch'), speaks: false },
    'an older protocol': { says: packets(`${A} refs/heads/main`), speaks: false },
    'a page to log in': { says: Buffer.from('<html>please log in</html>'), speaks: false },
    nothing: { says: Buffer.from(''), speaks: false },
  }
  test.each(Object.entries(cases))('%s', (_, { says, speaks }) => expect(speaksListing(says)).toBe(speaks))
})

describe('a list of refs', () => {
  test('holds branches, tags and what HEAD is, and nothing else', () => {
    const listed = packets(
      `${A} HEAD symref-target:refs/heads/main`,
      `${A} refs/heads/main`,
      `${B} refs/tags/v1 peeled:${A}`,
      `${B} refs/pull/1/head`,
    )
    const refs = new Map([
      ['refs/heads/main', A],
      ['refs/tags/v1', B],
    ])
    expect(parseListing(listed)).toEqual({ head: 'refs/heads/main', refs })
    expect(parseListing(packets(`${A} HEAD`, `${B} refs/heads/x`))?.head).toBe(A)
    expect(parseListing(packets(`${A} HEAD symref-target:refs/heads/gone`, `${B} refs/heads/x`))).not.toHaveProperty(
      'head',
    )
  })

  test('that is cut off, or holds anything else, is none', () => {
    const whole = packets(`${A} refs/heads/main`, `${B} refs/heads/other`)
    for (let length = 1; length < whole.length; length++)
      expect(parseListing(whole.subarray(0, length))).toBeUndefined()
    expect(parseListing(packets('ERR not allowed'))).toBeUndefined()
    expect(parseListing(packets(`${'a'.repeat(64)} refs/heads/main`))).toBeUndefined()
    expect(parseListing(Buffer.from('zzzz'))).toBeUndefined()
  })

  test('is read or not, whatever comes', () => {
    const good = fc.constantFrom(
      packets(`${A} HEAD symref-target:refs/heads/main`, `${A} refs/heads/main`),
      greeting('ls-refs'),
    )
    const bytes = fc.oneof(hostileBytes(good.map(each => Uint8Array.from(each))), fc.uint8Array())
    fc.assert(
      fc.property(bytes, message => {
        const refs = quickly(() => parseListing(message))?.refs ?? new Map<string, string>()
        for (const [name, id] of refs) expect(`${name} ${id}`).toMatch(/^refs\/(heads|tags)\/.* [0-9a-f]{40}$/s)
        expect(typeof quickly(() => speaksListing(message))).toBe('boolean')
      }),
      { numRuns: FUZZ_CASES },
    )
  })
})

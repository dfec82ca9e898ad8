import { FUZZ_CASES, hostileBytes, quickly } from '@flotilla/core/protocol/testing/hostile'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePack } from './fetch-pack.ts'
import { commandOf, readPackets } from './packets.ts'

const packet = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
const channel = (number: number, bytes: Uint8Array): Buffer => packet(Buffer.concat([Buffer.of(number), bytes]))
const TITLE = packet(Buffer.from('packfile\n'))
const END = Buffer.from('0000')

describe('the answer to a fetch', () => {
  test('is the pack in its pieces, with words on progress between them', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1 }), bytes, (pieces, words) => {
        const answer = Buffer.concat([TITLE, ...pieces.flatMap(each => [channel(2, words), channel(1, each)]), END])
        expect(Buffer.from(parsePack(answer)!)).toEqual(Buffer.concat(pieces))
      }),
    )
  })

  const none: Record<string, Buffer> = {
    'an error of the server': Buffer.concat([packet(Buffer.from('ERR not our ref')), END]),
    'an error in the middle of the pack': Buffer.concat([TITLE, channel(1, Buffer.of(7)), channel(3, END), END]),
    'another section': Buffer.concat([packet(Buffer.from('acknowledgments\n')), END]),
    'a section behind the pack': Buffer.concat([TITLE, channel(1, Buffer.of(7)), Buffer.from('0001'), END]),
    'no pack': Buffer.concat([TITLE, END]),
    'a pack that is cut off': Buffer.concat([TITLE, channel(1, Buffer.of(7))]),
    'a page to log in': Buffer.from('<html>please log in</html>'),
    nothing: Buffer.from(''),
  }
  test.each(Object.entries(none))('is none with %s', (_, answer) => expect(parsePack(answer)).toBeUndefined())

  test('may be anything, and is read in time', () => {
    const good = Buffer.concat([TITLE, channel(2, Buffer.of(1)), channel(1, Buffer.from('PACK')), END])
    const bytes = fc.oneof(hostileBytes(fc.constant(Uint8Array.from(good))), fc.uint8Array())
    fc.assert(
      fc.property(bytes, answer => {
        const pack = quickly(() => parsePack(answer))
        expect(pack?.length ?? 0).toBeLessThanOrEqual(answer.length)
      }),
      { numRuns: FUZZ_CASES },
    )
  })
})

test('a command reads back as the packets it was written as', () => {
  const packets = readPackets(commandOf('fetch', ['thin-pack', 'want é']))!
  const text = packets.map(each => (each.kind === 'data' ? Buffer.from(each.bytes).toString() : each.kind))
  expect(text).toEqual(['command=fetch\n', 'agent=git/flotilla\n', 'delimiter', 'thin-pack\n', 'want é\n', 'flush'])
})

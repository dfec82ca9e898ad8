import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { checkPack } from './check-pack.ts'

const LIMITS = { maxObjectBytes: 1000, maxInflatedBytes: 2500 }

/** Sizes as packs write them: four bits beside the type, then seven a byte. */
function head(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size % 16)]
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1]! |= 128
    bytes.push(rest % 128)
  }
  return Buffer.from(bytes)
}

function varint(size: number): number[] {
  return size < 128 ? [size] : [(size % 128) | 128, ...varint(Math.floor(size / 128))]
}

const blob = (size: number, declared = size) => Buffer.concat([head(3, declared), deflateSync(Buffer.alloc(size))])
const delta = (from: number, to: number) => {
  const bytes = Buffer.from([...varint(from), ...varint(to), 1, 0])
  return Buffer.concat([head(6, bytes.length), Buffer.from([129, 5]), deflateSync(bytes)])
}
function pack(...objects: Buffer[]): Buffer {
  const header = Buffer.alloc(12)
  header.write('PACK')
  header.writeUInt32BE(2, 4)
  header.writeUInt32BE(objects.length, 8)
  return Buffer.concat([header, ...objects, Buffer.alloc(20)])
}
function packet(band: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from((bytes.length + 5).toString(16).padStart(4, '0')), Buffer.from([band]), bytes])
}
/** In packets of a few bytes, with progress between them, as servers send it. */
function banded(bytes: Buffer): Buffer {
  const packets: Buffer[] = [Buffer.from('0008NAK\n')]
  for (let at = 0; at < bytes.length; at += 7) {
    packets.push(packet(2, Buffer.from('50%\r')), packet(1, bytes.subarray(at, at + 7)))
  }
  return Buffer.concat([...packets, Buffer.from('0000')])
}

describe('a pack', () => {
  const cases: Record<string, { readonly objects: readonly Buffer[]; readonly refused?: 'object' | 'pack' }> = {
    'within the limits passes': { objects: [blob(1000), blob(0), delta(10, 1000), blob(500)] },
    'with a large object is refused': { objects: [blob(10), blob(1001)], refused: 'object' },
    'with an object that says it is gigabytes is refused': { objects: [blob(10, 2 ** 40)], refused: 'object' },
    'with an object larger than it says is refused': { objects: [blob(900, 10)], refused: 'object' },
    'with a delta to a large object is refused': { objects: [blob(10), delta(10, 2 ** 33)], refused: 'object' },
    'with many objects too large together is refused': { objects: [blob(900), blob(900), blob(900)], refused: 'pack' },
    'without objects passes': { objects: [] },
  }
  for (const [name, { objects, refused }] of Object.entries(cases)) {
    for (const [form, bytes] of [
      ['in packets', banded(pack(...objects))],
      ['as it is', Buffer.concat([Buffer.from('0008NAK\n'), pack(...objects)])],
    ] as const) {
      it(`${name}, ${form}`, () => {
        if (refused === undefined) checkPack(bytes, LIMITS)
        else expect(() => checkPack(bytes, LIMITS)).toThrow(expect.objectContaining({ of: refused }) as Error)
      })
    }
  }

  it('that makes no sense is left to others', () => {
    for (const text of [
      '',
      '0008NAK\n',
      '0000',
      'zzzz',
      'PACK',
      `0008NAK\nPACK${'x'.repeat(100)}`,
      '0001'.repeat(50),
    ]) {
      expect(() => checkPack(Buffer.from(text), LIMITS)).not.toThrow()
    }
  })
})

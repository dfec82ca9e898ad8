import { describe, expect, test } from 'vitest'
import { encodeFitted } from './fit-frame.ts'
import { decodeAgentFrame, decodeHubFrame, encodeFrame, type HubFrame, MAX_FRAME_BYTES } from './frames.ts'
import { SAMPLE_DIGEST } from './samples.ts'

const ids = Array.from({ length: 10_000 }, (_, index) => `${index}`.padEnd(128, 'x'))

describe('a frame that is about to be sent', () => {
  test('goes as it is when it fits', () => {
    const frame: HubFrame = { kind: 'differ', of: 'held', ids: ids.slice(0, 10), unclaimed: [] }
    expect(encodeFitted(frame)).toBe(encodeFrame(frame))
  })

  test('is cut until it does, from the end of its lists, and can be read', () => {
    const frame: HubFrame = { kind: 'differ', of: 'held', ids, unclaimed: ids }
    expect(encodeFrame(frame).length).toBeGreaterThan(MAX_FRAME_BYTES)
    const text = encodeFitted(frame)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    const read = decodeHubFrame(text)
    expect(read.kind === 'decoded' && read.value.kind === 'differ' && read.value.ids).toEqual(ids.slice(0, 2500))
  })

  test('counts bytes, not letters', () => {
    const reasons = Array.from({ length: 200 }, (_, index) => ({ id: `g-${index}`, outcome: 'refused' as const }))
    const grants = reasons.map(grant => ({ ...grant, reason: '界'.repeat(4000) }))
    const text = encodeFitted({ kind: 'settled', grants })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    expect(decodeAgentFrame(text)).toMatchObject({ kind: 'decoded' })
  })

  test('says hello without its proof of the highest number rather than not at all', () => {
    const hello = { kind: 'hello' as const, proof: 'a.b.c', highest: 'j'.repeat(MAX_FRAME_BYTES), versions: {} }
    expect(encodeFitted(hello)).toBe(encodeFrame({ kind: 'hello', proof: 'a.b.c', versions: {} }))
  })

  test('leaves a calendar to be fetched that is too large to come along', () => {
    const calendar = 'j'.repeat(MAX_FRAME_BYTES)
    expect(encodeFitted({ kind: 'changed', upTo: '1.2', calendar })).toBe('{"kind":"changed","upTo":"1.2"}')
  })

  test('keeps its lines, which are portioned where they are made', () => {
    const lines = { kind: 'lines' as const, of: 'held' as const, lines: [`app-1 1.1 ${SAMPLE_DIGEST}`], more: false }
    expect(encodeFitted(lines, 10)).toBe(encodeFrame(lines))
  })
})

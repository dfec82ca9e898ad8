import { MAX_LINE_LENGTH } from '@flotilla/core/protocol/stream-records'
import { describe, expect, it } from 'vitest'
import { logLines, splitTimestamp } from './log-lines.ts'
import { SecretValues } from './secret-values.ts'

async function* chunks(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text
}

async function linesOf(...texts: readonly (string | Uint8Array)[]): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of logLines(chunks(...texts))) lines.push(line)
  return lines
}

const snow = Buffer.from('☃')

describe('lines of a log', () => {
  it.each([
    ['are cut at line ends, wherever the chunks end', ['a\nb', 'c\n', 'd'], ['a', 'bc', 'd']],
    ['may be empty', ['\n\na\n'], ['', '', 'a']],
    ['keep a character that is split over two chunks', [snow.subarray(0, 1), snow.subarray(1)], ['☃']],
    ['lose the return before their end', ['a\r\nb'], ['a', 'b']],
    ['that are no UTF-8 show where', [Uint8Array.of(0x61, 0xff, 0x0a)], ['a\ufffd']],
  ])('%s', async (_, given, expected) => {
    expect(await linesOf(...given)).toEqual(expected)
  })

  it('that are too long are cut, however they come, and the next one is whole', async () => {
    const long = 'x'.repeat(MAX_LINE_LENGTH)
    const lines = await linesOf(long, long, `${long}\nnext\n`)
    expect(lines.map(line => line.length)).toEqual([MAX_LINE_LENGTH, 4])
    expect(lines[0]).toMatch(/x … \(cut\)$/)
  })

  it('have the time before them that the cluster wrote, or none', () => {
    expect(splitTimestamp('2026-01-01T00:00:00.123456789Z hello there')).toEqual({
      at: '2026-01-01T00:00:00.123456789Z',
      text: 'hello there',
    })
    expect(splitTimestamp('hello')).toEqual({ text: 'hello' })
  })
})

describe('values of Secrets', () => {
  const secret = (data: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, ...data })
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  it.each([
    ['as they are', 'pass hunter-2', 'pass ***'],
    ['as base64', `pass ${base64('hunter-2')}`, 'pass ***'],
    ['each line of one of several', 'key: BEGIN-KEY, then MIIEvQIB', 'key: ***, then ***'],
    ['twice in a line', 'hunter-2 hunter-2', '*** ***'],
    ['unless they are so short that they are ordinary words', 'the yes of it', 'the yes of it'],
  ])('are hidden %s', (_, line, expected) => {
    const values = new SecretValues([
      secret({ stringData: { a: 'hunter-2', short: 'yes' }, data: { key: base64('BEGIN-KEY\nMIIEvQIB\n') } }),
    ])
    expect(values.masked(line)).toBe(expected)
  })

  it('of other objects are none', () => {
    const values = new SecretValues([{ ...secret({ data: { a: base64('hunter-2') } }), kind: 'ConfigMap' }])
    expect(values.masked('hunter-2')).toBe('hunter-2')
  })
})

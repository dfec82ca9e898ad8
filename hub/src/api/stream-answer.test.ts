import { encodeRecord, MAX_RECORD_BYTES } from '@flotilla/core/protocol/stream-records'
import { describe, expect, it } from 'vitest'
import { recordsOf, recordText } from './stream-answer.ts'

async function* bytes(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function read(...texts: readonly string[]): Promise<readonly unknown[]> {
  const records: unknown[] = []
  for await (const record of recordsOf(bytes(...texts))) {
    records.push(record)
    if (record === undefined) break
  }
  return records
}

const HELLO = { kind: 'log', pod: 'web-1', container: 'web', text: 'hello' } as const

describe('what an agent streams', () => {
  it.each([
    [
      'is read line by line, wherever the chunks end',
      [encodeRecord(HELLO).slice(0, 9), encodeRecord(HELLO).slice(9)],
      [HELLO],
    ],
    ['may have empty lines between', ['\n\n', encodeRecord(HELLO), '\n'], [HELLO]],
    ['ends at what is no JSON', [encodeRecord(HELLO), 'hello\n', encodeRecord(HELLO)], [HELLO, undefined]],
    ['ends at what is no record', ['{"kind":"shell"}\n'], [undefined]],
    ['ends at a record without its end', [encodeRecord(HELLO), '{"kind":"log"'], [HELLO, undefined]],
    ['ends at a line without end', ['x'.repeat(MAX_RECORD_BYTES + 1)], [undefined]],
    [
      'cannot move the cursor of who reads it',
      [encodeRecord({ ...HELLO, pod: 'a\u001b[2J', text: 'red \u001b[31m\u202etxt\r\nmore\ttab' })],
      [{ ...HELLO, pod: 'a [2J', text: 'red  [31m txt  more\ttab' }],
    ],
    [
      'has no fields but those that are known',
      ['{"kind":"note","text":"a","html":"<b>"}\n'],
      [{ kind: 'note', text: 'a' }],
    ],
  ])('%s', async (_, given, expected) => {
    expect(await read(...given)).toEqual(expected)
  })

  it('is one line of text, of JSON, or one event', () => {
    expect(recordText(HELLO, 'text')).toBe('web-1 web hello\n')
    expect(JSON.parse(recordText(HELLO, 'ndjson'))).toEqual(HELLO)
    expect(recordText(HELLO, 'sse')).toMatch(/^event: log\ndata: \{[^\n]*\}\n\n$/)
  })
})

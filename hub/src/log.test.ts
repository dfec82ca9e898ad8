import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { createLog, type LogLevel } from './log.ts'
import { stillClock } from './store/test-store.ts'

function logged(level: LogLevel, work: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  work(createLog({ level, clock: stillClock(), destination: { write: line => void lines.push(line) } }))
  return lines.map(line => JSON.parse(line))
}

const API_TOKEN = `flt_${'a'.repeat(16)}.${'b'.repeat(43)}`
const JOIN_TOKEN = 'flj1.eyJodWIiOiJ4In0.c2VjcmV0'
const JWS = 'eyJhbGciOiJFZERTQSJ9.eyJ4IjoxfQ.c2ln'

/** None of the texts may be in the line. */
const SECRETS: { readonly [sentence: string]: readonly [fields: Record<string, unknown>, ...never: string[]] } = {
  'an API token anywhere in a text': [{ url: `/x?y=${API_TOKEN}` }, 'bbbb'],
  'a join token': [{ said: `use ${JOIN_TOKEN} now` }, 'c2VjcmV0'],
  'a bearer header': [{ headers: { authorization: 'Bearer abc.def', Authorization: 'x' } }, 'abc.def'],
  'a header inside a text': [{ line: 'Authorization: Bearer sesame/open' }, 'sesame'],
  'a signed document': [{ text: JWS }, 'c2ln'],
  'the password of a URL': [{ repository: 'https://bot:hunter2@git/x' }, 'hunter2'],
  'a field called password, however deep': [{ a: { b: [{ dbPassword: 'hunter2' }] } }, 'hunter2'],
  'bytes of a secret': [{ secret: Buffer.from('hunter2') }, 'hunter2', '104,117'],
  'a private key in PEM': [{ pem: '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----' }, 'hunter2'],
  'a cut private key': [{ pem: '-----BEGIN EC PRIVATE KEY-----\nhunter2' }, 'hunter2'],
  'what an error says, and its causes': [
    { error: new Error(`no ${API_TOKEN}`, { cause: new Error('https://u:hunter2@h/') }) },
    'bbbb',
    'hunter2',
  ],
  'a manifest that is much too long': [{ object: 'x'.repeat(5_000) }, 'x'.repeat(2_001)],
}

describe('a line of the log', () => {
  for (const [sentence, [fields, ...never]] of Object.entries(SECRETS)) {
    it(`does not hold ${sentence}`, () => {
      const text = JSON.stringify(logged('info', log => log.child(fields).info('said', fields)))
      for (const secret of never) expect(text).not.toContain(secret)
      expect(text.length).toBeGreaterThan(40)
    })
  }

  it('keeps what is harmless: ids, counts, codes, big integers', () => {
    const error = Object.assign(new Error('away'), { code: 'STORE_FULL', subject: 'hub.db' })
    const [line] = logged('info', log =>
      log.child({ cluster: 'eu-1' }).warn('said', { tokenId: 'id-1', tokens: 3, n: 12345678901234567890n, error }),
    )
    expect(line).toMatchObject({
      level: 'warn',
      time: '2030-01-01T00:00:00.000Z',
      cluster: 'eu-1',
      message: 'said',
      tokenId: 'id-1',
      tokens: 3,
      n: '12345678901234567890',
      error: { code: 'STORE_FULL', subject: 'hub.db', message: 'away' },
    })
  })

  it('survives what refers to itself, and is bounded', () => {
    const loop: Record<string, unknown> = { many: Array.from({ length: 1_000 }, (_, index) => index) }
    loop['self'] = loop
    const [line] = logged('debug', log => log.debug('said', { loop }))
    expect(JSON.stringify(line).length).toBeLessThan(3_000)
  })

  it('is not there below its level', () => {
    expect(logged('warn', log => log.info('said'))).toEqual([])
  })
})

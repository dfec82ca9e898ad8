import type { JsonObject } from '@flotilla/core/json/json'
import { messageContext } from '@flotilla/core/notify/message-context'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeFor, escapeHtml } from './escape.ts'
import { retryWaitMs } from './retry-wait.ts'
import { MOST_BODY, MOST_TITLE, writeMessage } from './write-message.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '<!channel>',
    '<@U1>',
    '[x](http://evil)',
    '{{cause.text}}',
    '{{{{raw}}}}',
    '__proto__',
    '\u202egpj.exe',
    '*b*',
  ),
)

function contextOf(text: string): JsonObject {
  return messageContext({
    ...{ kind: 'firing', route: 'r', id: 'i', openedAt: 0, firing: 1, total: 1, hubUrl: '' },
    trigger: { name: 't', kind: 'on-held', forMs: 0 },
    cause: { kind: 'hold', text, revision: text, repository: text },
    told: [{ name: text, message: text }],
  })
}

describe('a message of hostile values', () => {
  it('is bounded, one title is one line, and nothing of a value is a template', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom('slack', 'teams', 'email', 'webhook' as const), (text, kind) => {
        const { title, body, mistake } = writeMessage({}, contextOf(text), kind as 'slack')
        expect(mistake).toBeUndefined()
        expect(title.length).toBeLessThanOrEqual(MOST_TITLE)
        expect(body.length).toBeLessThanOrEqual(MOST_BODY)
        expect(title).not.toMatch(/[\r\n\p{Cf}]/u)
        if (text === '{{cause.text}}' && kind !== 'teams') expect(title).toContain('{{cause.text}}')
      }),
    )
  })

  it('holds no mark of its target', () => {
    fc.assert(
      fc.property(hostile, text => {
        expect(escapeFor('slack', text)).not.toMatch(/[<>]/)
        expect(escapeFor('teams', text)).not.toMatch(/(?<!\\)(?:\\\\)*[*_`[\]<>~]/)
        expect(escapeHtml(text)).not.toMatch(/[<>"']/)
        for (const kind of ['slack', 'teams', 'email', 'webhook'] as const) {
          expect(escapeFor(kind, text)).not.toMatch(/[\p{Cc}\p{Cf}]/u)
        }
      }),
    )
  })

  it('that a template cannot say is said by ours', () => {
    const { title, mistake } = writeMessage(
      { title: '{{#each event.kind}}x{{/each}}{{nothing}}' },
      contextOf('x'),
      'email',
    )
    expect(title).toBe('1 held: x')
    expect(mistake).toContain('of the template')
  })

  it('of endless templates is bounded', () => {
    const body = '{{#each applications}}{{name}}{{/each}}'.repeat(2_000)
    expect(writeMessage({ body }, contextOf('x'.repeat(900)), 'email').body.length).toBeLessThanOrEqual(MOST_BODY)
  })
})

it('waits are never shorter than asked for, grow, and end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.option(fc.integer({ min: 0, max: 3_600_000 })),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, asked, fraction) => {
        const wait = retryWaitMs(failures, asked ?? undefined, fraction)
        expect(wait).toBeGreaterThanOrEqual(Math.max(asked ?? 0, 4_000))
        expect(wait).toBeLessThanOrEqual(Math.max(asked ?? 0, 30 * 60_000))
      },
    ),
  )
})

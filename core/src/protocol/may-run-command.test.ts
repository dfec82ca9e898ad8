import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CommandMemory, type CommandQuestion, mayRunCommand } from './may-run-command.ts'

const command = { expires: 1_000, action: { verb: 'terminate', operation: 'op-1' } } as const
const question = (over: Partial<CommandQuestion> = {}): CommandQuestion => ({
  command,
  memory: 'new',
  now: 999,
  held: true,
  ...over,
})

describe('may a command be done', () => {
  const rows: readonly (readonly [string, Partial<CommandQuestion>, string])[] = [
    ['a new one in time is done', {}, 'run'],
    ['before a pulse it waits: its time cannot be told', { now: undefined }, 'wait'],
    ['at its expiry it has lapsed', { now: 1_000 }, 'lapsed'],
    ['of an Application that is not held it is refused', { held: false }, 'refused'],
    ['one that was begun and not ended is unknown, before its expiry', { memory: 'begun' }, 'unknown'],
    ['and after it', { memory: 'begun', now: 5_000 }, 'unknown'],
    ['and before a pulse', { memory: 'begun', now: undefined }, 'unknown'],
    ['one that was answered is told again', { memory: 'answered' }, 'repeat'],
  ]
  for (const [sentence, over, expected] of rows) {
    test(sentence, () => {
      const verdict = mayRunCommand(question(over))
      expect(verdict.kind === 'answer' ? verdict.outcome : verdict.kind).toBe(expected)
    })
  }

  test('whatever happens around it, it is begun at most once', () => {
    const event = fc.constantFrom('ask', 'crash', 'end', 'pulse', 'restart')
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.nat(2_000), (events, at) => {
        let memory: CommandMemory = 'new'
        let now: number | undefined
        let begun = 0
        for (const each of events) {
          if (each === 'pulse') now = at
          if (each === 'restart') now = undefined
          if (each === 'end' && memory === 'begun') memory = 'answered'
          if (each !== 'ask') continue
          const verdict = mayRunCommand(question({ memory, now }))
          if (verdict.kind === 'run') {
            begun++
            memory = 'begun'
            expect(now).toBeLessThan(command.expires)
          }
          if (verdict.kind === 'answer') memory = 'answered'
        }
        expect(begun).toBeLessThanOrEqual(1)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CommandMemory, mayRunCommand } from './may-run-command.ts'

const EXPIRES = 50
const command = { expires: EXPIRES, action: { kind: 'restart' } } as unknown as Parameters<
  typeof mayRunCommand
>[0]['command']

/** What may happen to an agent that holds a command, one thing after the other. */
const happening = fc.constantFrom('asked', 'ends', 'pulse', 'crashes in the middle', 'forgets the Application')

describe('a command', () => {
  test('is done at most once, in time, and after a pulse, whatever happens to the agent and however often it is asked', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30 }), fc.nat(2 * EXPIRES), (life, start) => {
        let memory: CommandMemory = 'new'
        let now: number | undefined
        let time = start
        let held = true
        let done = 0
        for (const happens of life) {
          time++
          if (happens === 'pulse' || now !== undefined) now = time
          if (happens === 'ends') now = undefined
          if (happens === 'forgets the Application') held = false
          if (happens !== 'asked' && happens !== 'crashes in the middle') continue
          const verdict = mayRunCommand({ command, memory, now, held })
          if (verdict.kind === 'run') {
            done++
            expect(now).toBeLessThan(EXPIRES)
            expect(held).toBe(true)
            // The id is kept first; whether it is ever answered is another matter.
            memory = happens === 'asked' ? 'answered' : 'begun'
            if (happens !== 'asked') now = undefined
          } else if (verdict.kind === 'answer') memory = 'answered'
        }
        expect(done).toBeLessThanOrEqual(1)
      }),
      { numRuns: 2000 },
    )
  })

  test('that was begun is answered as unknown, and what was answered is only said again', () => {
    const facts = fc.record({ now: fc.option(fc.nat(2 * EXPIRES), { nil: undefined }), held: fc.boolean() })
    fc.assert(
      fc.property(facts, asked => {
        expect(mayRunCommand({ ...asked, command, memory: 'begun' })).toMatchObject({ outcome: 'unknown' })
        expect(mayRunCommand({ ...asked, command, memory: 'answered' })).toEqual({ kind: 'repeat' })
      }),
    )
  })
})

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gzip, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { EventLoopGuard, settled } from './event-loop-guard.ts'

const { privateKey } = generateKeyPairSync('ed25519')

describe('a simulation may', () => {
  const cases: readonly [sentence: string, work: () => Promise<unknown>][] = [
    ['wait for promises and microtasks', async () => new Promise<void>(resolve => queueMicrotask(resolve))],
    ['wait for the turn to end', settled],
    [
      'hash, sign and compress at once',
      async () => [createHash('sha256'), sign(null, Buffer.of(1), privateKey), gzipSync('x')],
    ],
  ]
  test.each(cases)('%s', async (_sentence, work) => {
    const guard = new EventLoopGuard()
    await guard.run(work)
    await new Promise(resolve => setTimeout(resolve, 5))
    guard.check()
  })
})

describe('a simulation may not', () => {
  const cases: readonly [sentence: string, type: string, work: () => Promise<unknown>][] = [
    ['set a timer of the machine', 'Timeout', async () => void setTimeout(() => undefined, 0)],
    ['set one deep inside, after waiting', 'Timeout', async () => settled().then(() => void setTimeout(() => 0, 0))],
    ['use an immediate of its own', 'Immediate', async () => void setImmediate(() => undefined)],
    ['read a file', 'FSREQPROMISE', async () => readFile(import.meta.filename)],
    ['compress in a thread', 'ZLIB', async () => new Promise(resolve => gzip('x', resolve))],
    ['draw chances in a thread', 'RANDOMBYTESREQUEST', async () => new Promise(resolve => randomBytes(8, resolve))],
  ]
  test.each(cases)('%s', async (_sentence, type, work) => {
    const guard = new EventLoopGuard()
    await expect(guard.run(work)).rejects.toMatchObject({ code: 'OUTSTANDING_WORK' })
    expect(guard.found[0]).toContain(type)
  })

  test('but what runs beside it is not its work', async () => {
    const guard = new EventLoopGuard()
    const [, beside] = await Promise.all([guard.run(settled), new Promise(resolve => setTimeout(resolve, 1, 'beside'))])
    expect(beside).toBe('beside')
    expect(guard.found).toEqual([])
  })
})

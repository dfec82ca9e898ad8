import crypto, { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { runScenario } from './scenario.ts'
import { drawSchedule } from './schedule.ts'
import { signQuickly } from './signatures.ts'

const real = { sign: crypto.sign, verify: crypto.verify }
const REALLY = 8
const QUICKLY = 9
const data = Buffer.from('what is signed')
const [one, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const signatures = signQuickly()

test.each([
  ['signed really', REALLY],
  ['signed quickly', QUICKLY],
])('a signature of a life that is %s is for one key and these bytes', (_how, seed) => {
  signatures.ofLife(seed)
  const signature = crypto.sign(null, data, one.privateKey)
  expect(signature).toHaveLength(64)
  expect(crypto.sign(null, data, one.privateKey)).toEqual(signature)
  expect(crypto.verify(null, data, one.publicKey, signature)).toBe(true)
  expect(crypto.verify(null, data, other.publicKey, signature)).toBe(false)
  expect(crypto.verify(null, Buffer.from('what is signeD'), one.publicKey, signature)).toBe(false)
  const altered = Buffer.from(signature)
  altered[63]! ^= 1
  expect(crypto.verify(null, data, one.publicKey, altered)).toBe(false)
  // Of somebody who lives elsewhere.
  expect(crypto.verify(null, data, one.publicKey, real.sign(null, data, one.privateKey))).toBe(true)
})

test('only a life that is signed really has signatures that hold elsewhere', () => {
  const holds = [REALLY, QUICKLY].map(seed => {
    signatures.ofLife(seed)
    return real.verify(null, data, one.publicKey, crypto.sign(null, data, one.privateKey))
  })
  expect(holds).toEqual([true, false])
})

test('a life is the same whichever way it is signed', async () => {
  const schedule = drawSchedule(5, { clusters: ['eu'], deeds: 6, crashes: 2 })
  const lives = []
  for (const seed of [REALLY, QUICKLY]) {
    signatures.ofLife(seed)
    lives.push(await runScenario(schedule))
  }
  expect(lives[1]?.trace).toEqual(lives[0]?.trace)
  expect(lives[0]?.trace.length).toBeGreaterThan(20)
})

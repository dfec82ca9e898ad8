import { describe, expect, it } from 'vitest'
import { isUuid, timeOfUuid, uuidV7 } from './uuid.ts'

describe('uuidV7', () => {
  it('holds the time, the version and the variant', () => {
    expect(uuidV7(0x017f22e279b0, new Uint8Array(10))).toBe('017f22e2-79b0-7000-8000-000000000000')
    expect(uuidV7(0x017f22e279b0, new Uint8Array(10).fill(255))).toBe('017f22e2-79b0-7fff-bfff-ffffffffffff')
  })

  it('sorts by time', () => {
    const chance = new Uint8Array(10).fill(255)
    expect(uuidV7(1_000, chance) < uuidV7(1_001, new Uint8Array(10))).toBe(true)
  })

  it('tells its time again, and other texts tell none', () => {
    expect(timeOfUuid(uuidV7(0x017f22e279b0, new Uint8Array(10)))).toBe(0x017f22e279b0)
    expect(timeOfUuid('017f22e2-79b0-4000-8000-000000000000')).toBeUndefined()
    expect(timeOfUuid('heal-1')).toBeUndefined()
  })

  it('refuses too little chance', () => {
    expect(() => uuidV7(0, new Uint8Array(9))).toThrow(RangeError)
  })
})

describe('isUuid', () => {
  it.each([
    ['017f22e2-79b0-7000-8000-000000000000', true],
    ['017F22E2-79b0-7000-8000-000000000000', false],
    ['017f22e2-79b0-7000-8000-00000000000', false],
    ['../../etc/passwd', false],
  ])('%s is %s', (text, expected) => {
    expect(isUuid(text)).toBe(expected)
  })
})

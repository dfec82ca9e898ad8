import type { Random } from './random.ts'

/** Chance as a port, from a source of random bytes (`node:crypto`'s `randomBytes` in the start files). */
export function createRandom(randomBytes: (count: number) => Uint8Array): Random {
  return {
    bytes: randomBytes,
    fraction: () => {
      const bytes = randomBytes(6)
      let value = 0
      for (const byte of bytes) value = value * 256 + byte
      return value / 2 ** 48
    },
  }
}

/**
 * A seeded stand-in for simulation and tests: the same seed, the same chances (mulberry32; never for keys).
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    bytes: count => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
    fraction: next,
  }
}

/**
 * What slow functions count against a template's limit, in the characters that could be produced in that time: a loop
 * over them ends as one over long texts does.
 */
export const COSTS = {
  /** About 60 ms. */
  bcrypt: 200_000,
  /** About 150 ms and 32 MiB. */
  scrypt: 500_000,
  /** Two primes of 1,024 bits: about 0.1 s. */
  rsa2048: 500_000,
  /** Two primes of 2,048 bits: 1 s and more. */
  rsa4096: 3_000_000,
  /** A key or signature of a curve. */
  curve: 10_000,
} as const

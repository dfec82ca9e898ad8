import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoTime } from '../go-value.ts'

/** The time that the shell gives. @throws GoFunctionError where a template may not ask for it. */
export function currentTime(scope: FunctionScope): GoTime {
  if (scope.environment === undefined) {
    throw new GoFunctionError('the time is not known here: give it as a parameter')
  }
  return new GoTime(BigInt(Math.trunc(scope.environment.now())) * 1_000_000n, 'UTC')
}

/** Bytes that nobody can foresee. @throws GoFunctionError where a template may not ask for chance. */
export function chanceBytes(length: number, scope: FunctionScope): Uint8Array {
  if (scope.environment === undefined) {
    throw new GoFunctionError('there is no chance here: give what should differ as a parameter')
  }
  return scope.environment.bytes(length)
}

/** An even choice from 0 up to, not including, `count`. */
export function randomBelow(count: number, scope: FunctionScope): number {
  // Forty-eight bits, so that no remainder shows in any count a template asks for.
  const limit = Math.floor(2 ** 48 / count) * count
  for (;;) {
    const bytes = chanceBytes(6, scope)
    const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
    if (value < limit) return value % count
    scope.spend(1)
  }
}

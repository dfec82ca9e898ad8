import { Buffer } from 'node:buffer'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger } from '../go-value.ts'
import { countArgument, define, type FunctionGroup, textArgument } from './define.ts'
import { spendText } from './strings.ts'
import { chanceBytes, randomBelow } from './surroundings.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')

/** Functions that give another result each time; a set that calls one changes whenever it is looked at. */
export const CHANCE: FunctionGroup = {
  randAlphaNum: randomText(LETTERS + DIGITS),
  randAlpha: randomText(LETTERS),
  randNumeric: randomText(DIGITS),
  randAscii: randomText(ASCII),
  randBytes: define(
    'int',
    ([count], scope) => {
      const length = countArgument(count)
      if (length < 0) throw new GoFunctionError('runtime error: makeslice: len out of range')
      scope.spend(2 * length)
      return Buffer.from(chanceBytes(length, scope)).toString('base64')
    },
    { repeatable: false },
  ),
  randInt: define(
    'int int',
    ([min, max], scope) => {
      const from = countArgument(min)
      const size = countArgument(max) - from
      if (size <= 0) throw new GoFunctionError('invalid argument to Intn')
      if (size > 2 ** 47) throw new GoFunctionError(`randInt chooses from at most ${2 ** 47} numbers`)
      return new GoInteger(from + randomBelow(size, scope), 'int')
    },
    { repeatable: false },
  ),
  shuffle: define(
    'string',
    ([text], scope) => {
      const characters = [...spendText(textArgument(text), scope)]
      for (let last = characters.length - 1; last > 0; last--) {
        const other = randomBelow(last + 1, scope)
        ;[characters[last], characters[other]] = [characters[other]!, characters[last]!]
      }
      return characters.join('')
    },
    { repeatable: false },
  ),
  uuidv4: define('', (_args, scope) => uuid(chanceBytes(16, scope)), { repeatable: false }),
}

/** A negative count gives nothing, as in sprig. */
function randomText(characters: string) {
  return define(
    'int',
    ([count], scope: FunctionScope) => {
      const length = Math.max(0, countArgument(count))
      scope.spend(length)
      return Array.from({ length }, () => characters[randomBelow(characters.length, scope)]).join('')
    },
    { repeatable: false },
  )
}

function uuid(bytes: Uint8Array): string {
  const marked = Buffer.from(bytes)
  marked[6] = (marked[6]! & 0x0f) | 0x40
  marked[8] = (marked[8]! & 0x3f) | 0x80
  return marked.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

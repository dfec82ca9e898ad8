import type { NumberNotation } from '../../go-text.ts'
import type { GoValue } from './go-value.ts'
import { plainStyle, printArgument } from './printing/print-argument.ts'

export { formatPrintf, type PrintOptions } from './printing/printf.ts'

/**
 * A value as Go's `%v` prints it; nil and "no value" are `<nil>`.
 *
 * @param numbers `plain` prints a float without a fraction as an integer (applicationsets.md 3.2).
 * @throws TemplateError when the value prints to more than a rendered text may have.
 *
 * @example
 * printValue({ b: 1e6, a: [true, null] }) // => 'map[a:[true <nil>] b:1e+06]'
 */
export function printValue(value: GoValue, numbers: NumberNotation = 'go'): string {
  if (typeof value === 'string') return value
  return printArgument(value, plainStyle(numbers))
}

/** Go's `fmt.Sprint`: a space between two neighbours when neither is a text. */
export function printAll(values: readonly GoValue[], numbers: NumberNotation = 'go'): string {
  let output = ''
  for (const [index, value] of values.entries()) {
    if (index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string') output += ' '
    output += printValue(value, numbers)
  }
  return output
}

/** Go's `fmt.Sprintln`: a space between all and a line end after the last. */
export function printLine(values: readonly GoValue[], numbers: NumberNotation = 'go'): string {
  return `${values.map(value => printValue(value, numbers)).join(' ')}\n`
}

import { GoFunctionError } from '../go-function.ts'
import { define, type FunctionGroup, textArgument } from './define.ts'

/** Functions that end a template. */
export const FLOW: FunctionGroup = {
  fail: define('string', ([message]) => {
    throw new GoFunctionError(textArgument(message))
  }),
}

import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import type { GoValue } from '../go-value.ts'
import { decodeBase32, decodeBase64, encodeBase32 } from './base-encoding.ts'
import { decodeJson, JsonDecodeError } from './decode-json.ts'
import { define, type FunctionGroup, textArgument } from './define.ts'
import { encodeJson, JsonEncodeError } from './encode-json.ts'
import { bytesOf, textOfBytes } from './go-bytes.ts'

/** JSON and texts for bytes. */
export const ENCODING: FunctionGroup = {
  b64enc: define('string', ([text], scope) => {
    scope.spend(2 * textArgument(text).length)
    return bytesOf(textArgument(text)).toString('base64')
  }),
  // What is no base64 gives the message as the text, as sprig has it.
  b64dec: define('string', ([text], scope) => {
    scope.spend(textArgument(text).length)
    const decoded = decodeBase64(textArgument(text))
    return typeof decoded === 'string' ? decoded : textOfBytes(decoded)
  }),
  b32enc: define('string', ([text], scope) => {
    scope.spend(2 * textArgument(text).length)
    return encodeBase32(bytesOf(textArgument(text)))
  }),
  b32dec: define('string', ([text], scope) => {
    scope.spend(textArgument(text).length)
    const decoded = decodeBase32(textArgument(text))
    return typeof decoded === 'string' ? decoded : textOfBytes(decoded)
  }),
  fromJson: define('string', ([text], scope) => {
    scope.spend(textArgument(text).length)
    return decodeLeniently(textArgument(text))
  }),
  mustFromJson: define('string', ([text], scope) => {
    scope.spend(textArgument(text).length)
    return decodeStrictly(textArgument(text))
  }),
  toJson: define('any', ([value], scope) => encodeOr('', value, { html: true }, scope)),
  mustToJson: define('any', ([value], scope) => encodeOr(undefined, value, { html: true }, scope)),
  toPrettyJson: define('any', ([value], scope) => encodeOr('', value, { html: true, indent: '  ' }, scope)),
  mustToPrettyJson: define('any', ([value], scope) => encodeOr(undefined, value, { html: true, indent: '  ' }, scope)),
  toRawJson: define('any', ([value], scope) => encodeOr(undefined, value, { html: false }, scope)),
  mustToRawJson: define('any', ([value], scope) => encodeOr(undefined, value, { html: false }, scope)),
}

function encodeOr(
  fallback: string | undefined,
  value: GoValue,
  options: { readonly html: boolean; readonly indent?: string },
  scope: FunctionScope,
): string {
  try {
    return encodeJson(value, options, scope)
  } catch (error) {
    if (!(error instanceof JsonEncodeError)) throw error
    if (fallback !== undefined) return fallback
    throw new GoFunctionError(error.message)
  }
}

function decodeLeniently(text: string): GoValue {
  try {
    return decodeJson(text)
  } catch (error) {
    if (error instanceof JsonDecodeError) return error.partial
    throw error
  }
}

function decodeStrictly(text: string): GoValue {
  try {
    return decodeJson(text)
  } catch (error) {
    if (error instanceof JsonDecodeError) throw new GoFunctionError(error.message)
    throw error
  }
}

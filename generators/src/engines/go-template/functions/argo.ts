import type { Json } from '@flotilla/core/json/json'
import { TemplateError } from '../../../failure.ts'
import { normalize } from '../../../normalize.ts'
import { readYaml } from '../../../read-yaml.ts'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger, type GoMap, type GoValue, goTypeOf, isGoList, isGoMap } from '../go-value.ts'
import { define, type FunctionGroup, textArgument } from './define.ts'
import { encodeYaml } from './encode-yaml.ts'
import { writeMap } from './maps.ts'
import { slugOf } from './slug.ts'
import { spendText } from './strings.ts'

/** What Argo CD adds to sprig (applicationsets.md 3.2 and 3.3). */
export const ARGO: FunctionGroup = {
  normalize: define('string', ([text], scope) => normalize(spendText(textArgument(text), scope))),
  slugify: define('', slugify, { variadic: 'any' }),
  toYaml: define('any', ([value], scope) => encodeYaml(value, scope).replace(/\n$/, '')),
  fromYaml: define('string', ([text], scope) => {
    const value = read(textArgument(text), scope)
    if (value === null) return {}
    if (isGoMap(value)) return value
    throw unmarshalProblem(value, 'map[string]interface {}')
  }),
  fromYamlArray: define('string', ([text], scope) => {
    const value = read(textArgument(text), scope)
    if (value === null) return []
    if (isGoList(value)) return value
    throw unmarshalProblem(value, '[]interface {}')
  }),
}

/** `slugify [max [smart]] name`; what is more than three arguments is left unread. */
function slugify(args: readonly GoValue[], scope: FunctionScope): GoValue {
  if (args.length === 0) throw new GoFunctionError('runtime error: index out of range [-1]')
  const name = args.at(-1)
  const max = args.length >= 2 ? args[0] : new GoInteger(50, 'int')
  const smart = args.length >= 3 ? args[1] : true
  if (!(max instanceof GoInteger) || max.type !== 'int') throw conversion(max, 'int')
  if (typeof smart !== 'boolean') throw conversion(smart, 'bool')
  if (typeof name !== 'string') throw conversion(name, 'string')
  const maxLength = Number(max.value)
  const normalized = normalize(spendText(name, scope))
  if (!smart && maxLength < 0) throw new GoFunctionError(`runtime error: slice bounds out of range [:${maxLength}]`)
  return slugOf(normalized, { maxLength, smart })
}

function conversion(value: GoValue, wanted: string): GoFunctionError {
  const type = value === null || value === undefined ? 'nil' : goTypeOf(value)
  return new GoFunctionError(`interface conversion: interface {} is ${type}, not ${wanted}`)
}

function read(text: string, scope: FunctionScope): GoValue {
  scope.spend(text.length)
  if (/^\s*%(?!(?:YAML|TAG)\s)/.test(text)) {
    throw new GoFunctionError('error converting YAML to JSON: yaml: found unknown directive name')
  }
  try {
    return withFloats(readYaml(text))
  } catch (error) {
    if (error instanceof TemplateError) throw new GoFunctionError(`error converting YAML to JSON: ${error.message}`)
    throw error
  }
}

/** Every number is a float, as in parameters. */
function withFloats(value: Json | undefined): GoValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(item => withFloats(item as Json))
  const result: GoMap = {}
  for (const key of Object.keys(value)) writeMap(result, key, withFloats((value as { [key: string]: Json })[key]))
  return result
}

function unmarshalProblem(value: GoValue, wanted: string): GoFunctionError {
  const kind = isGoList(value)
    ? 'array'
    : isGoMap(value)
      ? 'object'
      : typeof value === 'boolean'
        ? 'bool'
        : (typeof value as string)
  return new GoFunctionError(
    `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kind} into Go value of type ${wanted}`,
  )
}

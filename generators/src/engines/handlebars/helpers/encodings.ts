import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import { type Arguments, mayMake } from '../arguments.ts'
import type { Helper } from './helper.ts'
import { weight } from './lists.ts'

export const ENCODING_HELPERS: readonly Helper[] = [
  {
    name: 'toJson',
    parameters: 'value',
    meaning: 'As JSON on one line, which is YAML as well.',
    apply: args => encode(args, stringifyJson),
  },
  {
    name: 'toYaml',
    parameters: 'value',
    meaning: 'As YAML, without an end of line behind it.',
    apply: args => encode(args, value => prettyYaml(value).replace(/\n$/, '')),
  },
  {
    name: 'quote',
    parameters: 'text',
    meaning: 'In double quotes, so that YAML and JSON take it for a text whatever it holds.',
    apply: args => encode(args, () => JSON.stringify(args.text(0))),
  },
]

function encode(args: Arguments, print: (value: Json) => string): string {
  const value = args.value(0)
  args.spend(weight(value))
  const text = print(value)
  mayMake(text.length)
  args.spend(text.length / 64)
  return text
}

import type { Json } from '@flotilla/core/json/json'
import type { CliContext } from '../context.ts'
import { prettyJson } from './json.ts'
import { prettyYaml } from './yaml.ts'

/** Writes a value for scripts, in the format that was asked for. */
export function printData(context: CliContext, format: 'json' | 'yaml', value: Json): void {
  context.stdout.write(format === 'json' ? `${prettyJson(value)}\n` : prettyYaml(value))
}

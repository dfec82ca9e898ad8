import { isJsonObject, type JsonObject, type MutableJsonObject } from '@flotilla/core/json/json'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import { flatten } from '../flatten.ts'
import type { Parameters, PluginRequest } from '../inputs.ts'
import { readValues, type ValueTemplates, withValues } from '../values.ts'
import {
  failedWith,
  type Generated,
  type Generator,
  type GeneratorContext,
  invalidGenerator,
  parameterSets,
} from './generator.ts'

/** `plugin`: a parameter set for each object that a service of the user answers (applicationsets.md 9.9). */
export const plugin: Generator = {
  key: 'plugin',
  fields: ['configMapRef', 'input', 'requeueAfterSeconds', 'template', 'values'],
  defaultRequeueSeconds: 1800,
  generate,
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const read = readPlugin(body, context)
  if ('failures' in read) return failedWith(...read.failures)
  const { request, values } = read
  const answer = context.ask(request)
  if (answer === undefined) return { kind: 'waiting' }
  if (answer.kind === 'failed') return failedWith({ code: answer.code, message: answer.message, path: [] })
  if (answer.kind !== 'plugin') {
    return failedWith({ code: 'GENERATOR_INPUT_INVALID', message: `the answer is ${answer.kind}`, path: [] })
  }
  const sets: Parameters[] = []
  const failures: Failure[] = []
  for (const [index, output] of answer.parameters.entries()) {
    try {
      sets.push(parametersOf(output, request.input, values, context))
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      failures.push(failureOf(error.wrap(`output.parameters[${index}]: `), []))
    }
  }
  return failures.length > 0 ? failedWith(...failures) : parameterSets(sets)
}

/** What the plugin said, then what it was asked, then `values`: the later one wins. */
function parametersOf(
  output: JsonObject,
  input: JsonObject,
  values: ValueTemplates,
  { engine, meter, set }: GeneratorContext,
): Parameters {
  const own: MutableJsonObject = engine.shape === 'nested' ? { ...output } : { ...flatten(output, set.numbers) }
  own['generator'] = { input: { parameters: input } }
  return withValues(own, values, engine, meter)
}

function readPlugin(
  body: JsonObject,
  { set }: GeneratorContext,
): { readonly failures: readonly Failure[] } | { readonly request: PluginRequest; readonly values: ValueTemplates } {
  const failures: Failure[] = []
  const reference = body['configMapRef']
  const name = isJsonObject(reference) ? reference['name'] : undefined
  if (typeof name !== 'string' || name === '') {
    const hint = 'configMapRef: { name: … } names a plugin of the hub’s settings'
    failures.push(invalidGenerator('configMapRef.name is needed', ['configMapRef'], hint))
  }
  const input = body['input'] ?? {}
  const parameters = isJsonObject(input) ? (input['parameters'] ?? {}) : undefined
  if (!isJsonObject(parameters)) {
    failures.push(invalidGenerator('input is an object { parameters: { … } }', ['input']))
  }
  let values: ValueTemplates = {}
  try {
    values = readValues(body['values'])
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    failures.push(failureOf(error, []))
  }
  if (failures.length > 0) return { failures }
  const request: PluginRequest = {
    kind: 'plugin',
    setName: set.name,
    configMapRef: name as string,
    project: set.project,
    trust: set.trust,
    input: parameters as JsonObject,
  }
  return { request, values }
}

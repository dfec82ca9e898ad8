import {
  getKey,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import { type Failure, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { readYaml } from '../read-yaml.ts'
import {
  failedWith,
  type Generated,
  type Generator,
  type GeneratorContext,
  invalidGenerator,
  parameterSets,
} from './generator.ts'

/** `list`: each element is a parameter set (applicationsets.md 9.1). */
export const list: Generator = { key: 'list', fields: ['elements', 'elementsYaml', 'template'], generate }

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const failures: Failure[] = []
  const sets: Parameters[] = []
  const elements = body['elements'] ?? []
  if (!Array.isArray(elements)) return failedWith(invalidGenerator('elements is a list of objects', ['elements']))
  for (const [index, element] of elements.entries()) {
    const read = readElement(element as Json, context, ['elements', index])
    if (read.kind === 'failed') failures.push(read.failure)
    else sets.push(read.parameters)
  }
  const more = readElementsYaml(body['elementsYaml'])
  if (Array.isArray(more)) sets.push(...(more as readonly Parameters[]))
  else failures.push(more as Failure)
  return failures.length > 0 ? failedWith(...failures) : parameterSets(sets)
}

type Element =
  | { readonly kind: 'read'; readonly parameters: Parameters }
  | { readonly kind: 'failed'; readonly failure: Failure }

function readElement(element: Json, context: GeneratorContext, path: Failure['path']): Element {
  if (!isJsonObject(element)) return bad('error unmarshling list element: an element is an object', path)
  if (context.engine.shape === 'nested') return { kind: 'read', parameters: element }
  const parameters: MutableJsonObject = {}
  for (const key of Object.keys(element)) {
    const value = getKey(element, key)
    if (key === 'values') {
      if (!isJsonObject(value)) return bad('error parsing values map: it is an object of texts', [...path, key])
      for (const name of Object.keys(value)) {
        const text = getKey(value, name)
        if (typeof text !== 'string') return notText(name, [...path, key, name])
        setKey(parameters, `values.${name}`, text)
      }
    } else if (typeof value === 'string') setKey(parameters, key, value)
    else return notText(key, [...path, key])
  }
  return { kind: 'read', parameters }
}

function notText(key: string, path: Failure['path']): Element {
  const hint = 'write it in quotes; other values need goTemplate: true'
  return bad(`error parsing value as string: "${key}" is not a text`, path, hint)
}

function bad(message: string, path: Failure['path'], hint?: string): Element {
  return { kind: 'failed', failure: invalidGenerator(message, path, hint) }
}

/** Elements in a text, which a matrix can fill in; they stay unflattened whatever the engine. */
function readElementsYaml(text: Json | undefined): readonly Parameters[] | Failure {
  if (text === undefined || text === null || text === '') return []
  const path = ['elementsYaml']
  if (typeof text !== 'string') return invalidGenerator('elementsYaml is a text', path)
  let elements: Json
  try {
    elements = readYaml(text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return invalidGenerator(`error unmarshling decoded ElementsYaml: ${error.message}`, path)
  }
  if (elements === null) return []
  const wrong = !Array.isArray(elements) || elements.some(element => element !== null && !isJsonObject(element))
  if (wrong) return invalidGenerator('error unmarshling decoded ElementsYaml: it is a list of objects', path)
  return (elements as readonly Json[]).map(element => (element ?? {}) as Parameters)
}

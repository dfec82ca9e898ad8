import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { TemplateError } from '../failure.ts'
import { flatten } from '../flatten.ts'
import type { Parameters } from '../inputs.ts'
import { normalize } from '../normalize.ts'
import { readYaml } from '../read-yaml.ts'
import { jsonKind } from '../templating/application-shape.ts'
import type { GeneratorContext } from './generator.ts'

/** `path`, `path.basename` … of one directory, after `pathParamPrefix` (applicationsets.md 9.3.1). */
export function directoryParameters(directory: string, prefix: string, context: GeneratorContext): Parameters {
  return withPath({}, pathFacts(directory), prefix, context)
}

/**
 * One parameter set for the object in a file, or one for each object of its list, with the path parameters laid over
 * (applicationsets.md 9.3.2).
 *
 * @throws TemplateError `FILE_INVALID`: the text after "unable to parse file: ".
 */
export function fileParameters(
  path: string,
  text: string,
  prefix: string,
  context: GeneratorContext,
): readonly Parameters[] {
  const slash = path.lastIndexOf('/')
  const facts: PathFacts = {
    ...pathFacts(slash < 0 ? '.' : path.slice(0, slash)),
    filename: path.slice(slash + 1),
  }
  return readObjects(text).map(object => {
    const own = context.engine.shape === 'nested' ? object : flatten(object, context.set.numbers)
    return withPath(own, facts, prefix, context)
  })
}

/**
 * The set with `repoURL`, `revision` and, where it is asked for, `commit` beside `path`, under `pathParamPrefix` if
 * there is one. What a file says under those names counts: it speaks of what is deployed.
 */
export function withRepository(
  set: Parameters,
  facts: { readonly [fact: string]: string },
  prefix: string,
  context: GeneratorContext,
): Parameters {
  const result: MutableJsonObject = { ...set }
  if (context.engine.shape === 'nested' && prefix !== '') {
    const own = set[prefix]
    setKey(result, prefix, { ...(isJsonObject(own) ? own : {}), ...facts })
    return result
  }
  for (const fact of Object.keys(facts)) {
    const key = prefix === '' ? fact : `${prefix}.${fact}`
    if (prefix !== '' || !Object.hasOwn(result, key)) setKey(result, key, facts[fact])
  }
  return result
}

interface PathFacts {
  readonly path: string
  readonly basename: string
  readonly segments: readonly string[]
  readonly filename?: string
}

function pathFacts(path: string): PathFacts {
  const segments = path.split('/')
  return { path, basename: segments.at(-1)!, segments }
}

function withPath(own: Parameters, facts: PathFacts, prefix: string, context: GeneratorContext): Parameters {
  const { path, basename, segments, filename } = facts
  const result: MutableJsonObject = { ...own }
  const details: MutableJsonObject = { basename, basenameNormalized: normalize(basename) }
  if (filename !== undefined) {
    details['filename'] = filename
    details['filenameNormalized'] = normalize(filename)
  }
  if (context.engine.shape === 'nested') {
    const object: JsonObject = { path, ...details, segments }
    if (prefix === '') result['path'] = object
    else setKey(result, prefix, { path: object })
    return result
  }
  const name = prefix === '' ? 'path' : `${prefix}.path`
  setKey(result, name, path)
  for (const key of Object.keys(details)) setKey(result, `${name}.${key}`, details[key])
  for (const [index, segment] of segments.entries()) setKey(result, `${name}[${index}]`, segment)
  return result
}

function readObjects(text: string): readonly JsonObject[] {
  const value = readFile(text)
  if (value === null) return [{}]
  if (isJsonObject(value)) return [value]
  if (!Array.isArray(value)) throw wrongType(value, '[]map[string]interface {}')
  return value.map(item => {
    if (item === null) return {}
    if (!isJsonObject(item)) throw wrongType(item as Json, 'map[string]interface {}')
    return item
  })
}

function readFile(text: string): Json {
  try {
    return readYaml(text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw new TemplateError('FILE_INVALID', `error converting YAML to JSON: ${error.message}`)
  }
}

function wrongType(value: Json, expected: string): TemplateError {
  return new TemplateError(
    'FILE_INVALID',
    `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type ${expected}`,
    { hint: 'a file of a git generator holds one object or a list of objects' },
  )
}

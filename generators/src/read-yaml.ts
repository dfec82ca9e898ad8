import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { DEFAULT_MAX_FILE_BYTES, parseYamlDocuments, YAML_LIMITS } from '@flotilla/core/yaml/parse-yaml'
import { TemplateError } from './failure.ts'

/**
 * The first document of a text, as Argo CD's generators read it: JSON or YAML, and of a key that is given twice the
 * last one counts. Null for a text that holds nothing.
 *
 * @throws TemplateError `YAML_INVALID` with line and column.
 */
export function readYaml(text: string): Json {
  const start = text.trimStart()
  // JSON may be indented with tabs, which YAML's flow style refuses in places.
  const json = start.startsWith('{') || start.startsWith('[') ? tryJson(start) : undefined
  return json ?? readFirstDocument(text)
}

/** @throws TemplateError `YAML_INVALID`. */
export function readJson(text: string): Json {
  checkSize(text)
  let value: Json
  try {
    value = parseJson(text)
  } catch (error) {
    throw new TemplateError('YAML_INVALID', error instanceof Error ? error.message : String(error))
  }
  checkDepth(value, YAML_LIMITS.maxDepth)
  return value
}

function tryJson(text: string): Json | undefined {
  try {
    return readJson(text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    // Not JSON: the YAML reader says what is wrong with it.
    return undefined
  }
}

function checkSize(text: string): void {
  if (text.length > DEFAULT_MAX_FILE_BYTES) {
    throw new TemplateError('YAML_INVALID', `the text has more than ${DEFAULT_MAX_FILE_BYTES} characters`)
  }
}

function checkDepth(value: Json, levels: number): void {
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) throw new TemplateError('YAML_INVALID', `more than ${YAML_LIMITS.maxDepth} levels of nesting`)
  for (const member of Object.values(value)) checkDepth(member as Json, levels - 1)
}

function readFirstDocument(text: string): Json {
  const { documents, broken, diagnostics } = parseYamlDocuments(text, { file: '' })
  const first = [...documents, ...broken].sort((a, b) => a.startLine - b.startLine)[0]
  if (first === undefined && diagnostics.length === 0) return null
  if (first !== undefined && 'value' in first) return first.value
  const readable = first !== undefined && 'readable' in first ? first.readable : undefined
  const problem = diagnostics.find(({ code }) => code !== 'YAML_DUPLICATE_KEY')
  if (problem === undefined && readable !== undefined) return readable.value
  const { line, column, message } = problem ?? diagnostics[0]!
  throw new TemplateError('YAML_INVALID', `yaml: line ${line}, column ${column}: ${message}`)
}

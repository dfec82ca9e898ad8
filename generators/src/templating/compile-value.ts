import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import type { OutputMeter, RenderText, TemplateEngine } from '../engines/engine.ts'
import { type DocumentPath, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'

/** A value all of whose texts are templates: parsed once, rendered for each parameter set. */
export interface CompiledValue {
  /** @throws TemplateError with the path of the text that failed. */
  render(parameters: Parameters, meter: OutputMeter): Json
}

type Node = { readonly kind: 'constant'; readonly value: Json } | { readonly kind: 'dynamic'; readonly render: Render }
type Render = (parameters: Parameters, meter: OutputMeter) => Json

/**
 * Compiles every text inside `value`, keys of objects included (applicationsets.md 4.1). Object members that are null are left
 * out, list items that are null stay; numbers and booleans are copied. Two keys that render to one text: the later one
 * in the document wins.
 *
 * A text that cannot be parsed fails when it is rendered, since a template that is never rendered may hold anything.
 */
export function compileValue(value: Json, engine: TemplateEngine): CompiledValue {
  const node = compileNode(value, engine, [])
  return { render: (parameters, meter) => (node.kind === 'constant' ? node.value : node.render(parameters, meter)) }
}

function compileNode(value: Json, engine: TemplateEngine, path: DocumentPath): Node {
  if (path.length > LIMITS.depth) {
    const message = `more than ${LIMITS.depth} levels of objects and lists`
    return failing(new TemplateError('NESTING_TOO_DEEP', message, { path }))
  }
  if (typeof value === 'string') return compileText(value, engine, path)
  if (Array.isArray(value)) return compileList(value, engine, path)
  if (isJsonObject(value)) return compileObject(value, engine, path)
  return { kind: 'constant', value }
}

function compileText(text: string, engine: TemplateEngine, path: DocumentPath): Node {
  let render: RenderText
  try {
    const compiled = engine.compile(text)
    if (typeof compiled === 'string') return { kind: 'constant', value: compiled }
    render = compiled
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return failing(error.at(path))
  }
  return {
    kind: 'dynamic',
    render: (parameters, meter) => {
      try {
        return render(parameters, meter)
      } catch (error) {
        throw error instanceof TemplateError ? error.at(path) : error
      }
    },
  }
}

function failing(error: TemplateError): Node {
  return {
    kind: 'dynamic',
    render: () => {
      throw error
    },
  }
}

function compileList(list: readonly Json[], engine: TemplateEngine, path: DocumentPath): Node {
  const items = list.map((item, index) => compileNode(item, engine, [...path, index]))
  if (items.every(item => item.kind === 'constant')) return { kind: 'constant', value: items.map(item => item.value) }
  return {
    kind: 'dynamic',
    render: (parameters, meter) =>
      items.map(item => (item.kind === 'constant' ? item.value : item.render(parameters, meter))),
  }
}

function compileObject(object: JsonObject, engine: TemplateEngine, path: DocumentPath): Node {
  const members: { readonly key: Node; readonly value: Node }[] = []
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (value === undefined || value === null) continue
    const memberPath = [...path, key]
    members.push({ key: compileText(key, engine, memberPath), value: compileNode(value, engine, memberPath) })
  }
  if (members.every(({ key, value }) => key.kind === 'constant' && value.kind === 'constant')) {
    return { kind: 'constant', value: build(members, node => (node as { value: Json }).value) }
  }
  return {
    kind: 'dynamic',
    render: (parameters, meter) =>
      build(members, node => (node.kind === 'constant' ? node.value : node.render(parameters, meter))),
  }
}

function build(
  members: readonly { readonly key: Node; readonly value: Node }[],
  contentOf: (node: Node) => Json,
): MutableJsonObject {
  const result: MutableJsonObject = {}
  for (const { key, value } of members) setKey(result, contentOf(key) as string, contentOf(value))
  return result
}

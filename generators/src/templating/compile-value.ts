import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import type { OutputMeter, RenderTyped, TemplateEngine } from '../engines/engine.ts'
import { type DocumentPath, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'

/** A value all of whose texts are templates: parsed once, rendered for each parameter set. */
export interface CompiledValue {
  /** @throws TemplateError with the path of the text that failed. */
  render(parameters: Parameters, meter: OutputMeter): Json
}

type Node = { readonly kind: 'constant'; readonly value: Json } | { readonly kind: 'dynamic'; readonly render: Render }
/** Undefined: an expression gives nothing, and the member or item is left out. */
type Render = (parameters: Parameters, meter: OutputMeter) => Json | undefined

/**
 * Compiles every text inside `value`, keys of objects included (applicationsets.md 4.1). Object members that are null are left
 * out, list items that are null stay; numbers and booleans are copied. Two keys that render to one text: the later one
 * in the document wins. Where the engine has expressions, a text that is one keeps the type of its value.
 *
 * A text that cannot be parsed fails when it is rendered, since a template that is never rendered may hold anything.
 */
export function compileValue(value: Json, engine: TemplateEngine): CompiledValue {
  const node = compileNode(value, engine, [])
  return { render: (parameters, meter) => contentOf(node, parameters, meter) ?? null }
}

function compileNode(value: Json, engine: TemplateEngine, path: DocumentPath): Node {
  if (path.length > LIMITS.depth) {
    const message = `more than ${LIMITS.depth} levels of objects and lists`
    return failing(new TemplateError('NESTING_TOO_DEEP', message, { path }))
  }
  if (typeof value === 'string') return compileTyped(value, engine, path) ?? compileText(value, engine, path)
  if (Array.isArray(value)) return compileList(value, engine, path)
  if (isJsonObject(value)) return compileObject(value, engine, path)
  return { kind: 'constant', value }
}

function compileTyped(text: string, engine: TemplateEngine, path: DocumentPath): Node | undefined {
  try {
    const render = engine.typed?.(text)
    return render === undefined ? undefined : placed(render, path)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return failing(error.at(path))
  }
}

function compileText(text: string, engine: TemplateEngine, path: DocumentPath): Node {
  try {
    const compiled = engine.compile(text)
    return typeof compiled === 'string' ? { kind: 'constant', value: compiled } : placed(compiled, path)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return failing(error.at(path))
  }
}

function placed(render: RenderTyped, path: DocumentPath): Node {
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
      items.map(item => contentOf(item, parameters, meter)).filter(item => item !== undefined),
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
    render: (parameters, meter) => build(members, node => contentOf(node, parameters, meter)),
  }
}

function contentOf(node: Node, parameters: Parameters, meter: OutputMeter): Json | undefined {
  return node.kind === 'constant' ? node.value : node.render(parameters, meter)
}

function build(
  members: readonly { readonly key: Node; readonly value: Node }[],
  content: (node: Node) => Json | undefined,
): MutableJsonObject {
  const result: MutableJsonObject = {}
  for (const { key, value } of members) {
    const member = content(value)
    if (member !== undefined) setKey(result, content(key) as string, member)
  }
  return result
}

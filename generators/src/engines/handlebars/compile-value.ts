import { getKey, isJsonObject, type Json } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import type { TemplateError } from '../../failure.ts'
import { Arguments, type Read } from './arguments.ts'
import { arityOf, type Helper } from './helpers/helper.ts'
import { HELPERS } from './helpers/index.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'
import { HelperMistake, mistakeAt, type Place, tooDeep } from './mistake.ts'
import { describe, type Frame, type LoopData, type Run } from './run.ts'

/** What may be called and what it is called with, in `{{…}}`, `{{#…}}` and `(…)` alike. */
export interface Call {
  readonly path: hbs.AST.Node
  readonly params: readonly hbs.AST.Expression[]
  readonly hash?: hbs.AST.Hash
  readonly loc: hbs.AST.SourceLocation
}

/**
 * Compiles one part of a template that has a value: a path, a literal or a call.
 *
 * @param depth How many parentheses and blocks stand around it.
 * @throws TemplateError
 */
export function compileValue(node: hbs.AST.Expression, depth: number): Read {
  const place = node.loc.start
  if (depth > HANDLEBARS_LIMITS.nesting) throw tooDeep(place)
  switch (node.type) {
    case 'PathExpression':
      return compilePath(node as hbs.AST.PathExpression)
    case 'SubExpression':
      return compileCall(node as unknown as Call, depth)
    case 'StringLiteral':
    case 'NumberLiteral':
    case 'BooleanLiteral': {
      const { value } = node as hbs.AST.StringLiteral | hbs.AST.NumberLiteral | hbs.AST.BooleanLiteral
      return readOf(JSON.stringify(value), place, () => value)
    }
    default:
      throw mistakeAt(place, 'null and undefined are no values here', { hint: '(exists x) asks whether x is there' })
  }
}

/** The one name of a path like `lower`, which may be a helper's; undefined for `a.b`, `../a`, `@index` and `this.a`. */
export function simpleName(node: hbs.AST.Node): string | undefined {
  if (node.type !== 'PathExpression') return undefined
  const { data, depth, parts, original } = node as hbs.AST.PathExpression
  return !data && depth === 0 && parts.length === 1 && !isScoped(original) ? parts[0] : undefined
}

/** `{{helper a b}}` or `(helper a b)`. */
export function compileCall(call: Call, depth: number): Read {
  const place = call.loc.start
  const name = simpleName(call.path)
  const helper = name === undefined ? undefined : HELPERS.get(name)
  if (helper === undefined) throw unknownHelper(call, name)
  refuseHash(call, [])
  const { params } = call
  checkArity(helper, params.length, place)
  const reads = params.map(param => compileValue(param, depth + 1))
  const source = `(${[helper.name, ...reads.map(read => read.source)].join(' ')})`
  return readOf(source, place, (frame, run) => {
    run.spend(1)
    try {
      return helper.apply(new Arguments(reads, frame, run))
    } catch (error) {
      if (!(error instanceof HelperMistake)) throw error
      const message = error.code === 'PARAMETER_MISSING' ? error.message : `${helper.name}: ${error.message}`
      throw mistakeAt(place, message, { code: error.code ?? 'TEMPLATE_FAILED', hint: error.hint, cause: error })
    }
  })
}

function unknownHelper({ path, loc }: Call, name: string | undefined): TemplateError {
  const shown = name ?? String((path as hbs.AST.PathExpression).original)
  const meant = name === undefined ? undefined : nearest(name, [...HELPERS.keys()])
  const hint = meant === undefined ? `there are ${[...HELPERS.keys()].join(', ')}` : `did you mean "${meant}"?`
  return mistakeAt(loc.start, `there is no helper "${shown}"`, { hint })
}

/** Refuses `name=value` but for these names. */
export function refuseHash({ hash }: Call, allowed: readonly string[]): void {
  const pair = hash?.pairs.find(({ key }) => !allowed.includes(key))
  if (pair !== undefined) throw mistakeAt(pair.loc.start, `there is no option "${pair.key}" here`)
}

function checkArity(helper: Helper, count: number, place: Place): void {
  const [least, most] = arityOf(helper)
  if (count >= least && count <= most) return
  const hint = `write {{${helper.name} ${helper.parameters}}}`
  throw mistakeAt(place, `${helper.name} does not take ${count} argument${count === 1 ? '' : 's'}`, { hint })
}

const MOST_SOURCE = 100

function readOf(written: string, place: Place, read: Read['read']): Read {
  const source = written.length > MOST_SOURCE ? `${written.slice(0, MOST_SOURCE)}…` : written
  const required: Read['required'] = (frame, run) => {
    const value = read(frame, run)
    if (value === undefined) throw missing(source, place, frame)
    if (value === null) throw isNull(source, place)
    return value
  }
  return { read, source, required }
}

function isNull(source: string, place: Place): TemplateError {
  return mistakeAt(place, `"${source}" is null`, { code: 'PARAMETER_MISSING', hint: askHint(source) })
}

function missing(source: string, place: Place, { context }: Frame): TemplateError {
  const known = isJsonObject(context) ? Object.keys(context).sort() : []
  const meant = nearest(source, known)
  const shown =
    known.length === 0 ? `here is ${describe(context)}` : `here are ${known.slice(0, MOST_NAMES).join(', ')}`
  const hint = meant === undefined ? `${shown}; ${askHint(source)}` : `did you mean "${meant}"?`
  return mistakeAt(place, `there is no value for "${source}"`, { code: 'PARAMETER_MISSING', hint })
}

const MOST_NAMES = 30

function askHint(source: string): string {
  return `(exists ${source}) asks, (default ${source} "…") has another value`
}

/** `this.a` and `./a` mean the context, never a name that a block gave. */
function isScoped(original: string): boolean {
  return original.startsWith('.') || original === 'this' || /^this\b/.test(original)
}

function compilePath(path: hbs.AST.PathExpression): Read {
  const { original, depth, data, parts } = path
  const place = path.loc.start
  if (data) return readOf(original, place, dataReader(path))
  const scoped = isScoped(original)
  const [head, ...rest] = parts
  const read: Read['read'] = (frame, run) => {
    run.spend(1)
    if (depth === 0 && !scoped && head !== undefined) {
      const named = blockName(frame, head)
      if (named !== undefined) return follow(named.value, rest)
    }
    const context = contextAt(frame, depth)
    return context === undefined ? undefined : follow(context, parts)
  }
  return readOf(original, place, read)
}

function blockName(frame: Frame, name: string): { readonly value: Json } | undefined {
  for (let block = frame.names; block !== undefined; block = block.outer) {
    const at = block.names.indexOf(name)
    if (at >= 0 && at < block.values.length) return { value: block.values[at]! }
  }
  return undefined
}

function contextAt(frame: Frame, depth: number): Json | undefined {
  if (depth === 0) return frame.context
  let outer = frame.outer
  for (let level = 1; level < depth && outer !== undefined; level++) outer = outer.outer
  return outer?.context
}

/** Own members only, so that nothing leads to a prototype; a list has its items and its `length`. */
function follow(start: Json, parts: readonly string[]): Json | undefined {
  let value: Json | undefined = start
  for (const part of parts) {
    if (Array.isArray(value)) {
      if (part === 'length') value = value.length
      else value = /^(0|[1-9]\d*)$/.test(part) ? (value[Number(part)] as Json | undefined) : undefined
    } else if (isJsonObject(value)) value = getKey(value, part)
    else return undefined
    if (value === undefined) return undefined
  }
  return value
}

function dataReader({ parts, depth, loc, original }: hbs.AST.PathExpression): Read['read'] {
  const [name, ...rest] = parts
  if (name === 'root') return (_frame, run) => follow(run.root, rest)
  if (name === undefined || !LOOP_DATA.has(name)) {
    throw mistakeAt(loc.start, `there is no "${original}"`, { hint: 'there are @root, @index, @key, @first and @last' })
  }
  return (frame: Frame, _run: Run) => {
    let data: LoopData | undefined = frame.data
    for (let level = 0; level < depth && data !== undefined; level++) data = data.outer
    const value = data === undefined ? undefined : data.values[name]
    return value === undefined ? undefined : follow(value, rest)
  }
}

const LOOP_DATA: ReadonlySet<string> = new Set(['index', 'key', 'first', 'last'])

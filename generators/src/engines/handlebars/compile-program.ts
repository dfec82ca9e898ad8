import { printed, type Read } from './arguments.ts'
import { BLOCKS } from './blocks.ts'
import { type Call, compileCall, compileValue, refuseHash, simpleName } from './compile-value.ts'
import { HELPERS } from './helpers/index.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'
import { mistakeAt, tooDeep } from './mistake.ts'
import { describe, type Frame, type Run } from './run.ts'

/** A compiled part of a template that writes. @throws TemplateError */
export type Write = (frame: Frame, run: Run) => void

/**
 * Compiles a syntax tree to closures.
 *
 * @throws TemplateError for partials, decorators, raw blocks and helpers that are not ours, each with its place.
 */
export function compileProgram(program: hbs.AST.Program | undefined, depth: number): Write {
  const writes = (program?.body ?? []).flatMap(statement => compileStatement(statement, depth))
  const [only] = writes
  if (only !== undefined && writes.length === 1) return only
  return (frame, run) => {
    for (const write of writes) write(frame, run)
  }
}

/** What the template says when it is nothing but text and comments; undefined when it says more. */
export function constantText({ body }: hbs.AST.Program): string | undefined {
  let text = ''
  for (const statement of body) {
    if (statement.type === 'ContentStatement') text += (statement as hbs.AST.ContentStatement).value
    else if (statement.type !== 'CommentStatement') return undefined
  }
  return text
}

function compileStatement(statement: hbs.AST.Statement, depth: number): readonly Write[] {
  const place = statement.loc.start
  if (depth > HANDLEBARS_LIMITS.nesting) throw tooDeep(place)
  switch (statement.type) {
    case 'CommentStatement':
      return []
    case 'ContentStatement': {
      const { value } = statement as hbs.AST.ContentStatement
      return value === '' ? [] : [(_frame, run) => run.write(value)]
    }
    case 'MustacheStatement':
      return [compileMustache(statement as hbs.AST.MustacheStatement, depth)]
    case 'BlockStatement':
      return [compileBlock(statement as hbs.AST.BlockStatement, depth)]
    case 'PartialStatement':
    case 'PartialBlockStatement':
      throw mistakeAt(place, 'there are no partials here', { hint: 'write the text out, or use values of a generator' })
    default:
      throw mistakeAt(place, 'there are no decorators here')
  }
}

/** `{{path}}`, `{{helper a b}}`; two braces and three are the same, since nothing is HTML. */
function compileMustache(mustache: hbs.AST.MustacheStatement, depth: number): Write {
  const { path, params, hash } = mustache
  const place = mustache.loc.start
  const isCall = params.length > 0 || (hash?.pairs.length ?? 0) > 0
  if (!isCall && path.type !== 'PathExpression' && path.type !== 'SubExpression') {
    throw mistakeAt(place, 'a literal needs no braces', { hint: 'write the text without {{ and }}' })
  }
  const name = simpleName(path)
  if (isCall && name !== undefined && BLOCKS.has(name) && !HELPERS.has(name)) {
    throw mistakeAt(place, `"${name}" is a block`, { hint: `write {{#${name} …}}…{{/${name}}}` })
  }
  const read = isCall ? compileCall(mustache as unknown as Call, depth) : compileValue(path, depth)
  return (frame, run) => {
    run.spend(1)
    const value = read.required(frame, run)
    const text = printed(value)
    if (text !== undefined) return run.write(text)
    const hint = 'toJson and toYaml print it, {{#each}} goes through it, join makes a text of a list'
    throw mistakeAt(place, `"${read.source}" is ${describe(value)}, which is no text`, {
      hint,
      code: 'TEMPLATE_FAILED',
    })
  }
}

function compileBlock(block: hbs.AST.BlockStatement, depth: number): Write {
  const place = block.loc.start
  const name = simpleName(block.path)
  const compile = name === undefined ? undefined : BLOCKS.get(name)
  if (compile === undefined) {
    const shown = String((block.path as hbs.AST.PathExpression).original)
    const hint = `there are ${[...BLOCKS.keys()].map(key => `{{#${key}}}`).join(', ')}; {{#if ${shown}}} asks for a parameter`
    throw mistakeAt(place, `there is no block "${shown}"`, { hint })
  }
  if (block.params.length !== 1) {
    throw mistakeAt(place, `{{#${name}}} takes one argument`, { hint: `write {{#${name} x}}; parentheses hold a call` })
  }
  refuseHash(block as unknown as Call, name === 'if' || name === 'unless' ? ['includeZero'] : [])
  const argument: Read = compileValue(block.params[0]!, depth + 1)
  const includeZero = (block.hash?.pairs ?? []).some(({ value }) => (value as hbs.AST.BooleanLiteral).value === true)
  return compile({
    place,
    argument,
    includeZero,
    names: block.program?.blockParams ?? [],
    main: compileProgram(block.program, depth + 1),
    otherwise: compileProgram(block.inverse, depth + 1),
  })
}

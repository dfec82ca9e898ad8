import { compareUtf8 } from '../../../go-text.ts'
import type { EngineFunction } from '../builtins/builtins.ts'
import { elementTypeOf, isTrue, mapKeys } from '../go-types.ts'
import { GoBytes, GoInteger, type GoMap, type GoValue, isGoList, isGoMap } from '../go-value.ts'
import { formatPrintf } from '../print-value.ts'
import { quoteText } from '../printing/quote.ts'
import type { IfNode, ListNode, StatementNode, TemplateNode } from '../syntax/nodes.ts'
import { compilePipeline } from './compile-pipeline.ts'
import type { Execution } from './execution.ts'

/** How a statement ended: `break` and `continue` go up to their `range`. */
export type Ending = 'next' | 'break' | 'continue'
export type Walk = (run: Execution, dot: GoValue) => Ending

/** A template that can be called, compiled. */
export interface CompiledTemplate {
  readonly walk: Walk
  readonly nesting: number
}

export interface CompileParts {
  readonly functions: ReadonlyMap<string, EngineFunction>
  /** Filled while the templates of a text are compiled; looked up when one is called. */
  readonly templates: ReadonlyMap<string, CompiledTemplate>
}

export function compileList({ nodes }: ListNode, parts: CompileParts): Walk {
  const walks = nodes.map(node => compileStatement(node, parts))
  return (run, dot) => {
    for (const walk of walks) {
      const ending = walk(run, dot)
      if (ending !== 'next') return ending
    }
    return 'next'
  }
}

function compileStatement(node: StatementNode, parts: CompileParts): Walk {
  switch (node.kind) {
    case 'text':
      return run => {
        run.write(node.text)
        return 'next'
      }
    case 'break':
    case 'continue':
      return run => {
        run.step()
        return node.kind
      }
    case 'action': {
      const evaluate = compilePipeline(node.pipe, parts.functions)
      const prints = node.pipe.declarations.length === 0
      return (run, dot) => {
        run.step()
        const value = evaluate(run, dot)
        if (!prints) return 'next'
        run.node = node
        if (value === undefined) run.write('<no value>')
        else run.print(value)
        return 'next'
      }
    }
    case 'if':
    case 'with':
      return compileBranch(node, parts)
    case 'range':
      return compileRange(node, parts)
    case 'template':
      return compileTemplateCall(node, parts)
  }
}

function compileBranch(node: IfNode, parts: CompileParts): Walk {
  const evaluate = compilePipeline(node.pipe, parts.functions)
  const list = compileList(node.list, parts)
  const otherwise = node.elseList === undefined ? undefined : compileList(node.elseList, parts)
  const setsDot = node.kind === 'with'
  return (run, dot) => {
    run.step()
    const mark = run.mark()
    const value = evaluate(run, dot)
    let ending: Ending = 'next'
    if (!isTrue(value)) ending = otherwise?.(run, dot) ?? 'next'
    else if (setsDot) ending = withDot(run, value, false, list)
    else ending = list(run, dot)
    run.pop(mark)
    return ending
  }
}

/** Walks with another dot. */
function withDot(run: Execution, dot: GoValue, boxed: boolean, walk: Walk): Ending {
  const outer = run.boxedDot
  run.boxedDot = boxed
  const ending = walk(run, dot)
  run.boxedDot = outer
  return ending
}

function compileRange(node: IfNode, parts: CompileParts): Walk {
  const evaluate = compilePipeline(node.pipe, parts.functions)
  const list = compileList(node.list, parts)
  const otherwise = node.elseList === undefined ? undefined : compileList(node.elseList, parts)
  const iterate = compileIteration(node, list)
  return (run, dot) => {
    run.step()
    const outerMark = run.mark()
    const value = evaluate(run, dot)
    const mark = run.mark()
    const boxed = elementTypeOf(value) === 'interface {}'
    let count = 0
    for (const [index, element] of elementsOf(run, value, node.pipe.declarations.length)) {
      count++
      const ending = iterate(run, index, element, boxed)
      run.pop(mark)
      if (ending === 'break') break
    }
    const ending = count === 0 && otherwise !== undefined ? otherwise(run, dot) : 'next'
    run.pop(outerMark)
    return ending
  }
}

/** One round: sets the variables of the range, then walks its body. */
function compileIteration(node: IfNode, list: Walk) {
  const { declarations, assigns } = node.pipe
  const [first, second] = declarations.map(({ name }) => name)
  return (run: Execution, index: GoValue, element: GoValue, boxed: boolean): Ending => {
    run.step()
    if (assigns && first !== undefined) {
      if (second === undefined) run.assign(first, element, boxed)
      else {
        run.assign(first, index, false)
        run.assign(second, element, boxed)
      }
    } else if (first !== undefined) {
      run.setFromTop(1, element, boxed)
      if (second !== undefined) run.setFromTop(2, index, false)
    }
    return withDot(run, element, boxed, list)
  }
}

/** Index and element of what Go's `range` goes through; maps in the order of their keys. */
function* elementsOf(run: Execution, value: GoValue, variables: number): Generator<readonly [GoValue, GoValue]> {
  if (value === undefined || value === null) return
  if (isGoList(value)) {
    // Where a function changes the list meanwhile, the number of rounds stays.
    for (let at = 0, { length } = value; at < length; at++) yield [new GoInteger(at), value[at] ?? null]
  } else if (value instanceof GoInteger) {
    if (variables > 1) run.fail(`can't use ${value.value} to iterate over more than one variable`)
    for (let at = 0n; at < value.value; at++) yield [undefined, new GoInteger(at, value.type)]
  } else if (value instanceof GoBytes) {
    for (const [at, byte] of value.bytes.entries()) yield [new GoInteger(at), new GoInteger(byte, 'uint8')]
  } else if (isGoMap(value)) {
    // Taken beforehand: the body may change the map.
    yield* mapKeys(value)
      .sort(compareUtf8)
      .map(key => [key, (value as GoMap)[key] ?? null] as const)
  } else {
    run.fail(`range can't iterate over ${formatPrintf('%v', [value])}`)
  }
}

function compileTemplateCall(node: TemplateNode, parts: CompileParts): Walk {
  const evaluate = node.pipe === undefined ? undefined : compilePipeline(node.pipe, parts.functions)
  return (run, dot) => {
    run.step()
    run.node = node
    const template = parts.templates.get(node.name)
    if (template === undefined) return run.fail(`template ${quoteText(node.name)} not defined`)
    const data = evaluate?.(run, dot)
    run.inTemplate(node.name, template.nesting, data, () => template.walk(run, data))
    return 'next'
  }
}

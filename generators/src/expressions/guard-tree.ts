import { EvaluationError } from '@marcbachmann/cel-js'
import { weightOf } from './cel-values.ts'
import { textTooLong } from './functions.ts'
import { EXPRESSION_LIMITS } from './limits.ts'
import type { PreparedTree } from './prepare-tree.ts'
import { callOf, childrenOf, type Evaluate, type TreeNode } from './tree.ts'

/** What one evaluation may still do, and where it finds parameters whose names have dots. */
export interface EvaluationState {
  steps: number
  lookup: (name: string) => unknown
}

/** One for all: it may be thrown for each of many items, and a stack is the dear part of an error. */
export const TOO_MUCH_WORK = new Error('too much work')

/** Operators whose work grows with what they compare. */
const COMPARING: ReadonlySet<string> = new Set(['==', '!=', 'in'])
/** Calls that read every character of a text, some of them slowly. */
const READING: ReadonlySet<string> = new Set(['rcall', 'call'])

/**
 * Makes every part of a checked expression count what it does and refuse to go on when that is too much. The library
 * has bounds for the text of an expression and none for its evaluation.
 *
 * Errors inside `a || b` and `exists` may be swallowed, as the language says; the count is not reset, so each further
 * part fails at once, and the caller looks at the count when all is done.
 */
export function guardTree(root: TreeNode, { dotted }: PreparedTree, state: EvaluationState): void {
  const seen = new Set<TreeNode>()
  const visit = (node: TreeNode, weighed: boolean): void => {
    if (seen.has(node)) return
    seen.add(node)
    const { macro, alternate } = node.meta
    if (macro !== undefined) guardHas(node, dotted, state)
    else if (alternate === undefined) {
      const name = dotted.get(node)
      const inner = node.op === 'map' ? evaluateMap : node.meta.evaluate
      node.setMeta('evaluate', counted(name === undefined ? inner : named(name, inner, state), state, weighed))
    }
    const weighing = COMPARING.has(node.op) || (READING.has(node.op) && macro === undefined && alternate === undefined)
    for (const child of childrenOf(node)) visit(child, weighing)
  }
  visit(root, false)
}

function counted(inner: Evaluate, state: EvaluationState, weighed: boolean): Evaluate {
  return (evaluator, node, context) => {
    if (--state.steps < 0) throw TOO_MUCH_WORK
    const result = inner(evaluator, node, context)
    if (typeof result === 'string') {
      if (result.length > EXPRESSION_LIMITS.text) throw textTooLong()
    } else if (Array.isArray(result) && result.length > EXPRESSION_LIMITS.items) {
      throw new Error(`a list has more than ${EXPRESSION_LIMITS.items} items`)
    }
    if (weighed) {
      state.steps -= weightOf(result)
      if (state.steps < 0) throw TOO_MUCH_WORK
    }
    return result
  }
}

/** A parameter whose whole name is `a.b.c` wins over the member `b.c` of a parameter `a`. */
function named(name: string, inner: Evaluate, state: EvaluationState): Evaluate {
  return (evaluator, node, context) => state.lookup(name) ?? inner(evaluator, node, context)
}

/**
 * `has(a.b.c)` is whether it is there: no error when `a` or `a.b` is missing already. It looks at its parts in a way
 * of its own, so it is told of names with dots here.
 */
function guardHas(node: TreeNode, dotted: ReadonlyMap<TreeNode, string>, state: EvaluationState): void {
  const { macro } = node.meta
  const call = callOf(node)
  if (macro === undefined || call?.name !== 'has') return
  const whole = dotted.get(call.args[0]!)
  const inner = macro.evaluate
  macro.evaluate = (evaluator, self, context) => {
    if (whole !== undefined && state.lookup(whole) !== undefined) return true
    try {
      return inner(evaluator, self, context)
    } catch (error) {
      if (error instanceof EvaluationError && MISSING.has(error.code)) return false
      throw error
    }
  }
}

const MISSING: ReadonlySet<string> = new Set(['no_such_key', 'unknown_variable'])

/** `{…}` as a map that has every key, `constructor` too; the library leaves some out without a word. */
const evaluateMap: Evaluate = (evaluator, node, context) => {
  const result = new Map<unknown, unknown>()
  for (const [keyNode, valueNode] of node.args as readonly (readonly [TreeNode, TreeNode])[]) {
    const key = evaluator.run(keyNode, context)
    if (result.has(key)) throw new Error(`the key ${JSON.stringify(String(key))} occurs twice`)
    result.set(key, evaluator.run(valueNode, context))
  }
  return result
}

import { getKey, type Json, type JsonObject } from '@flotilla/core/json/json'
import { EvaluationError, ParseError, TypeError as TypeMistake } from '@marcbachmann/cel-js'
import type { OutputMeter } from '../engines/engine.ts'
import { TemplateError } from '../failure.ts'
import { fromCel, parameterName, ScopeVariables, toCel } from './cel-values.ts'
import { environment } from './functions.ts'
import { type EvaluationState, guardTree, TOO_MUCH_WORK } from './guard-tree.ts'
import { EXPRESSION_LIMITS } from './limits.ts'
import { type PreparedTree, prepareTree, TreeMistake, unknownNameHint } from './prepare-tree.ts'
import type { TreeNode } from './tree.ts'

/** An expression that was read once and gives a value for each parameter set. */
export interface CompiledExpression {
  readonly source: string
  /** Parameters that it reads, as it writes them, sorted: `cluster.labels.env`. */
  readonly references: readonly string[]
  /**
   * The value, with its type: text, number, boolean, null, list or object. An optional that holds nothing is null.
   *
   * @param scope The parameters; never changed.
   * @param meter What the whole set may still do; without it only this evaluation is bounded.
   * @throws TemplateError `EXPRESSION_FAILED`
   */
  evaluate(scope: JsonObject, meter?: OutputMeter): Json
  /** The same, and undefined for an optional that holds nothing: `labels.?tier`. @throws TemplateError */
  evaluateOptional(scope: JsonObject, meter?: OutputMeter): Json | undefined
}

/**
 * Reads an expression in the Common Expression Language.
 *
 * @throws TemplateError `EXPRESSION_INVALID` with the line and column inside the expression.
 *
 * @example
 * compileExpression('cluster.replicas * 2').evaluate({ cluster: { replicas: 3 } }) // => 6
 */
export function compileExpression(source: string): CompiledExpression {
  const { run, tree, state } = parse(source)
  const evaluateOptional = (scope: JsonObject, meter?: OutputMeter): Json | undefined => {
    const before = Math.min(EXPRESSION_LIMITS.steps, meter?.steps ?? Number.POSITIVE_INFINITY)
    state.steps = before
    state.lookup = name => {
      const value = getKey(scope, name)
      return value === undefined ? undefined : toCel(value)
    }
    try {
      const result = fromCel(run(new ScopeVariables(scope)))
      if (state.steps < 0) throw TOO_MUCH_WORK
      return result
    } catch (error) {
      throw failure(source, error, scope)
    } finally {
      if (meter?.steps !== undefined) meter.steps -= before - Math.max(0, state.steps)
    }
  }
  return {
    source,
    references: tree.references,
    evaluate: (scope, meter) => evaluateOptional(scope, meter) ?? null,
    evaluateOptional,
  }
}

interface Parsed {
  readonly run: (variables: ScopeVariables) => unknown
  readonly tree: PreparedTree
  readonly state: EvaluationState
}

function parse(source: string): Parsed {
  if (source.length > EXPRESSION_LIMITS.source) {
    const message = `an expression may have ${EXPRESSION_LIMITS.source} characters, and this one has ${source.length}`
    throw new TemplateError('EXPRESSION_INVALID', message)
  }
  try {
    const parsed = environment.parse(source)
    const root = parsed.ast as unknown as TreeNode
    const tree = prepareTree(root)
    const { error } = parsed.check()
    if (error !== undefined) throw error
    const state: EvaluationState = { steps: 0, lookup: () => undefined }
    guardTree(root, tree, state)
    return { run: variables => parsed(variables), tree, state }
  } catch (error) {
    throw invalid(source, error)
  }
}

function invalid(source: string, error: unknown): TemplateError {
  const { message, offset } = describe(error)
  const hint = error instanceof TreeMistake ? error.hint : hintFor(message)
  return new TemplateError('EXPRESSION_INVALID', placed(message, source, offset), { cause: error, hint })
}

function failure(source: string, error: unknown, scope: JsonObject): TemplateError {
  const { message, offset } = describe(error)
  const unknown = /^Unknown variable: (.*)$/.exec(message)?.[1]
  const hint = unknown === undefined ? undefined : unknownNameHint(unknown, Object.keys(scope).sort())
  return new TemplateError('EXPRESSION_FAILED', placed(message, source, offset), { cause: error, hint })
}

function hintFor(message: string): string | undefined {
  if (message.startsWith('Ternary branches')) return 'dyn(…) around both branches lets them differ'
  const name = /^Reserved identifier: (.*)$/.exec(message)?.[1]
  return name === undefined ? undefined : `the language keeps this word for itself: write params.${name}`
}

function describe(error: unknown): { readonly message: string; readonly offset: number | undefined } {
  if (error === TOO_MUCH_WORK) {
    return { message: `more than ${EXPRESSION_LIMITS.steps} steps, or all that its set may do`, offset: undefined }
  }
  if (error instanceof TreeMistake) return { message: error.message, offset: error.node.start }
  if (error instanceof ParseError || error instanceof EvaluationError || error instanceof TypeMistake) {
    return { message: plain(error.summary), offset: error.range?.start }
  }
  if (error instanceof RangeError) return { message: 'it is too large', offset: undefined }
  return { message: error instanceof Error ? error.message : String(error), offset: undefined }
}

/** The library's words without what only it means: `dyn<string>` is a text whose type it did not know before. */
function plain(summary: string): string {
  return summary.replaceAll(/dyn<([^<>]*)>/g, '$1').replace(/^(Unknown variable: )(.*)$/, (_, start, name) => {
    return start + parameterName(name)
  })
}

function placed(message: string, source: string, offset: number | undefined): string {
  const quoted = source.length > SHOWN ? `${source.slice(0, SHOWN)}…` : source
  if (offset === undefined) return `${message}, in the expression "${quoted}"`
  const before = source.slice(0, offset).split('\n')
  return `${message}, at ${before.length}:${before.at(-1)!.length + 1} of the expression "${quoted}"`
}

const SHOWN = 200

import type { EngineFunction, EngineParameter } from '../builtins/builtins.ts'
import type { GoValue } from '../go-value.ts'
import { nodeText } from '../syntax/node-text.ts'
import type { CommandNode, IdentifierNode, Node, OperandNode, PipeNode } from '../syntax/nodes.ts'
import { checkArgument, literalArgument, literalValue } from './arguments.ts'
import { compileCall, type EvaluateArgument, type EvaluateCommand } from './compile-call.ts'
import { evaluateFields, type InvokeMethod } from './fields.ts'

/** Evaluates what stands between delimiters or parentheses; nil becomes "no value". */
export type EvaluatePipeline = EvaluateArgument

type Functions = ReadonlyMap<string, EngineFunction>

export function compilePipeline(pipe: PipeNode, functions: Functions): EvaluatePipeline {
  const commands = pipe.commands.map((command, index) => compileCommand(command, index > 0, functions))
  const names = pipe.declarations.map(({ name }) => name)
  const { assigns } = pipe
  const [only] = commands
  if (commands.length === 1 && names.length === 0) {
    return (run, dot) => {
      run.node = pipe
      return only!(run, dot, undefined) ?? undefined
    }
  }
  return (run, dot) => {
    run.node = pipe
    let value: GoValue
    for (const command of commands) value = command(run, dot, value) ?? undefined
    for (const name of names) {
      if (assigns) run.assign(name, value, false)
      else run.addVariable(name, value)
    }
    return value
  }
}

function compileCommand(command: CommandNode, hasFinal: boolean, functions: Functions): EvaluateCommand {
  const [first] = command.operands as [OperandNode]
  const hasArguments = command.operands.length > 1 || hasFinal
  switch (first.kind) {
    case 'identifier':
      return compileFunction(first, command, command.operands.slice(1), hasFinal, functions)
    case 'field':
    case 'chain':
      return compileFields(first, command, hasFinal, functions)
    case 'variable':
      if (first.path.length > 0) return compileFields(first, command, hasFinal, functions)
  }
  return compileOperand(first, hasArguments, functions)
}

function compileFunction(
  identifier: IdentifierNode,
  command: Node,
  operands: readonly OperandNode[],
  hasFinal: boolean,
  functions: Functions,
): EvaluateCommand {
  return compileCall({
    name: identifier.name,
    fun: functions.get(identifier.name)!,
    identifier,
    command,
    operands,
    hasFinal,
    compileArgument: (node, type) => compileArgument(node, type, functions),
  })
}

/** An operand that takes no arguments. */
function compileOperand(node: OperandNode, hasArguments: boolean, functions: Functions): EvaluateCommand {
  if (hasArguments) {
    const message = `can't give argument to non-function ${nodeText(node)}`
    return run => {
      if (node.kind !== 'pipe') run.node = node
      if (node.kind === 'variable') run.variable(node.name)
      return run.fail(message)
    }
  }
  switch (node.kind) {
    case 'variable':
      return run => {
        run.node = node
        return run.variable(node.name)
      }
    case 'pipe':
      return compilePipeline(node, functions)
    case 'dot':
      return (run, dot) => {
        run.node = node
        return dot
      }
    case 'nil':
      return run => {
        run.node = node
        return run.fail('nil is not a command')
      }
    case 'boolean':
    case 'string':
    case 'number': {
      const value = literalValue(node)
      return run => {
        run.node = node
        return value ?? run.fail(`${nodeText(node)} overflows int`)
      }
    }
    default:
      throw new Error(`not an operand without arguments: ${node.kind}`)
  }
}

/** `.a.b`, `$x.a` or `(pipeline).a`. */
function compileFields(
  node: Extract<OperandNode, { readonly kind: 'field' | 'chain' | 'variable' }>,
  command: CommandNode,
  hasFinal: boolean,
  functions: Functions,
): EvaluateCommand {
  const { path } = node
  const hasArguments = command.operands.length > 1 || hasFinal
  const invoke = compileMethodCall(node, command.operands.slice(1), hasFinal, functions)
  switch (node.kind) {
    case 'field':
      return (run, dot, final) => {
        run.node = node
        return evaluateFields(run, dot, run.boxedDot, path, hasArguments, invoke, dot, final)
      }
    case 'variable':
      return (run, dot, final) => {
        run.node = node
        const boxed = run.isBoxed(node.name)
        return evaluateFields(run, run.variable(node.name), boxed, path, hasArguments, invoke, dot, final)
      }
    case 'chain': {
      const { operand } = node
      if (operand.kind === 'nil') {
        const message = `indirection through explicit nil in ${nodeText(node)}`
        return run => {
          run.node = node
          return run.fail(message)
        }
      }
      const receiver = compileArgument(operand, 'reflect.Value', functions)
      return (run, dot, final) => {
        run.node = node
        return evaluateFields(run, receiver(run, dot), false, path, hasArguments, invoke, dot, final)
      }
    }
  }
}

/** Which method it is, and so what it takes, is known only when its receiver is. */
function compileMethodCall(
  node: OperandNode,
  operands: readonly OperandNode[],
  hasFinal: boolean,
  functions: Functions,
): InvokeMethod {
  return (run, dot, final, method, name, last) =>
    compileCall({
      name,
      fun: method,
      identifier: run.node,
      command: node,
      operands: last ? operands : [],
      hasFinal: last && hasFinal,
      compileArgument: (operand, type) => compileArgument(operand, type, functions),
    })(run, dot, last ? final : undefined)
}

function compileArgument(node: OperandNode, type: EngineParameter, functions: Functions): EvaluateArgument {
  const literal = literalArgument(node, type)
  if (literal !== undefined) return literal
  const command: CommandNode = { kind: 'command', at: node.at, operands: [node] }
  // An error of the function points at its name alone.
  const evaluate =
    node.kind === 'identifier'
      ? compileFunction(node, node, [], false, functions)
      : compileCommand(command, false, functions)
  return (run, dot) => {
    run.node = node
    return checkArgument(run, evaluate(run, dot, undefined), type)
  }
}

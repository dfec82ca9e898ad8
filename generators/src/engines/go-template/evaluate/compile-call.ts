import type { EngineFunction, EngineParameter } from '../builtins/builtins.ts'
import { isTrue } from '../go-types.ts'
import { type GoValue, goTypeOf } from '../go-value.ts'
import { nodeText } from '../syntax/node-text.ts'
import type { Node, OperandNode } from '../syntax/nodes.ts'
import { checkArgument } from './arguments.ts'
import type { Execution } from './execution.ts'

/** Evaluates an operand for a parameter. */
export type EvaluateArgument = (run: Execution, dot: GoValue) => GoValue

/** Evaluates a command; `final` is the value of the pipe before it. */
export type EvaluateCommand = (run: Execution, dot: GoValue, final: GoValue) => GoValue

export interface CallParts {
  readonly name: string
  readonly fun: EngineFunction
  /** The name, which errors point at until an argument is looked at. */
  readonly identifier: Node
  /** What an error of the function itself points at. */
  readonly command: Node
  readonly operands: readonly OperandNode[]
  /** Whether the pipe gives one more argument. */
  readonly hasFinal: boolean
  compileArgument(node: OperandNode, type: EngineParameter): EvaluateArgument
}

/** Compiles the call of a function. That its arguments are too few or too many is only told when it is called. */
export function compileCall(parts: CallParts): EvaluateCommand {
  const { name, fun, identifier, operands, hasFinal } = parts
  const complaint = countComplaint(parts)
  if (complaint !== undefined) {
    return run => {
      run.node = identifier
      return run.fail(complaint)
    }
  }
  const evaluate = operands.map((node, index) => parts.compileArgument(node, parameterAt(fun, index)))
  const finalType = parameterAt(fun, operands.length)
  if (fun.shortCircuit !== undefined) {
    return compileShortCircuit(fun.shortCircuit === 'or', identifier, evaluate, hasFinal)
  }
  return (run, dot, final) => {
    run.node = identifier
    run.step()
    const args: GoValue[] = []
    for (const argument of evaluate) args.push(argument(run, dot))
    if (hasFinal) args.push(checkArgument(run, final, finalType))
    if (fun.takesText === true) args.unshift(textOfFirst(operands, args))
    let result: GoValue
    try {
      result = fun.call(args, run)
    } catch (error) {
      return run.failCall(name, parts.command, error)
    }
    if (typeof result === 'string') run.spend(result.length)
    return result
  }
}

function textOfFirst([operand]: readonly OperandNode[], [value]: readonly GoValue[]): string {
  if (operand !== undefined) return nodeText(operand)
  return typeof value === 'string' ? value : `<${value === undefined ? 'invalid' : goTypeOf(value)} Value>`
}

function compileShortCircuit(
  stopsAt: boolean,
  identifier: Node,
  evaluate: readonly EvaluateArgument[],
  hasFinal: boolean,
): EvaluateCommand {
  return (run, dot, final) => {
    run.node = identifier
    run.step()
    let value: GoValue
    for (const argument of evaluate) {
      value = argument(run, dot)
      if (isTrue(value) === stopsAt) return value
    }
    return hasFinal ? final : value
  }
}

function parameterAt({ parameters, variadic }: EngineFunction, index: number): EngineParameter {
  return parameters[index] ?? variadic ?? 'any'
}

function countComplaint({ name, fun, operands, hasFinal }: CallParts): string | undefined {
  const given = operands.length + (hasFinal ? 1 : 0)
  const wanted = fun.parameters.length
  if (fun.variadic === undefined) {
    return given === wanted ? undefined : `wrong number of args for ${name}: want ${wanted} got ${given}`
  }
  // Go counts without the value of the pipe here.
  return given >= wanted
    ? undefined
    : `wrong number of args for ${name}: want at least ${wanted} got ${operands.length}`
}

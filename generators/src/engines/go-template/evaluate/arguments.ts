import type { EngineParameter } from '../builtins/builtins.ts'
import { GoInteger, type GoValue, goTypeOf } from '../go-value.ts'
import { nodeText } from '../syntax/node-text.ts'
import type { NumberNode, OperandNode } from '../syntax/nodes.ts'
import type { Execution } from './execution.ts'

/** Go's name of a parameter's type. */
const TYPE_NAMES: { readonly [Type in EngineParameter]: string } = {
  any: 'interface {}',
  'reflect.Value': 'reflect.Value',
  string: 'string',
  bool: 'bool',
  int: 'int',
  int64: 'int64',
  float64: 'float64',
  map: 'map[string]interface {}',
  list: '[]interface {}',
  time: 'time.Time',
  certificate: 'sprig.certificate',
  version: '*semver.Version',
}

/** A literal as the parameter's type has it; undefined for operands that are no literals. */
export function literalArgument(node: OperandNode, type: EngineParameter): ((run: Execution) => GoValue) | undefined {
  switch (node.kind) {
    case 'nil':
      return run => nilFor(run, node, type)
    case 'boolean':
    case 'string':
    case 'number':
      break
    default:
      return undefined
  }
  const expected = LITERALS[type]
  if (expected === undefined) {
    const message = `can't handle ${nodeText(node)} for arg of type ${TYPE_NAMES[type]}`
    return run => failAt(run, node, message)
  }
  const value = expected.read(node)
  if (value !== undefined) {
    return run => {
      run.node = node
      return value
    }
  }
  // Only an integer beyond int64 has no meaning of its own.
  const message =
    expected.words === undefined
      ? `${nodeText(node)} overflows int`
      : `expected ${expected.words}; found ${nodeText(node)}`
  return run => failAt(run, node, message)
}

type LiteralNode = Extract<OperandNode, { readonly kind: 'boolean' | 'string' | 'number' }>

interface LiteralRule {
  /** What Go says that it wants; undefined where anything will do. */
  readonly words?: string
  read(node: LiteralNode): GoValue
}

const LITERALS: { readonly [Type in EngineParameter]?: LiteralRule } = {
  any: { read: literalValue },
  'reflect.Value': { read: literalValue },
  string: { words: 'string', read: node => (node.kind === 'string' ? node.value : undefined) },
  bool: { words: 'bool', read: node => (node.kind === 'boolean' ? node.value : undefined) },
  int: { words: 'integer', read: node => integerOf(node, 'int') },
  int64: { words: 'integer', read: node => integerOf(node, 'int64') },
  float64: { words: 'float', read: node => (node.kind === 'number' ? node.float : undefined) },
}

function integerOf(node: LiteralNode, type: 'int' | 'int64'): GoValue {
  return node.kind === 'number' && node.integer !== undefined ? new GoInteger(node.integer, type) : undefined
}

/** A literal where nothing says which type it is to have; undefined for an integer that has none. */
export function literalValue(node: LiteralNode): GoValue {
  return node.kind === 'number' ? numberValue(node) : node.value
}

function numberValue({ integer, float, writtenAsFloat }: NumberNode): GoValue {
  if (writtenAsFloat) return float
  return integer === undefined ? undefined : new GoInteger(integer)
}

function nilFor(run: Execution, node: OperandNode, type: EngineParameter): GoValue {
  run.node = node
  switch (type) {
    case 'reflect.Value':
      return undefined
    case 'any':
    case 'map':
    case 'list':
      return null
    default:
      return run.fail(`cannot assign nil to ${TYPE_NAMES[type]}`)
  }
}

/** A value for a parameter, as Go's reflection lets it pass: nothing is converted. */
export function checkArgument(run: Execution, value: GoValue, type: EngineParameter): GoValue {
  switch (type) {
    case 'reflect.Value':
      return value
    case 'any':
      return value ?? null
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'bool':
      if (typeof value === 'boolean') return value
      break
    case 'float64':
      if (typeof value === 'number') return value
      break
    case 'int':
    case 'int64':
      if (value instanceof GoInteger && value.type === type) return value
      break
    case 'map':
    case 'list':
      if (value === undefined) return null
      if (goTypeOf(value) === TYPE_NAMES[type]) return value
      break
    case 'time':
    case 'certificate':
    case 'version':
      if (goTypeOf(value) === TYPE_NAMES[type]) return value
  }
  const expected = TYPE_NAMES[type]
  if (value === undefined) return run.fail(`invalid value; expected ${expected}`)
  const actual = value === null ? 'interface {}' : goTypeOf(value)
  return run.fail(`wrong type for value; expected ${expected}; got ${actual}`, { hint: conversionHint(type, actual) })
}

function conversionHint(expected: EngineParameter, actual: string): string | undefined {
  if ((expected === 'int' || expected === 'int64') && actual === 'float64') {
    return `numbers of parameters are float64: ${expected === 'int' ? 'int' : 'int64'} makes an integer of them`
  }
  if (expected === 'string' && actual !== 'interface {}') return 'toString makes a text of it'
  return undefined
}

function failAt(run: Execution, node: OperandNode, message: string): never {
  run.node = node
  return run.fail(message)
}

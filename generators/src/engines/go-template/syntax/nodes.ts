/** A place in a template's text. */
interface Placed {
  /** In UTF-16 units, from the beginning of the template. */
  readonly at: number
}

export interface TextNode extends Placed {
  readonly kind: 'text'
  readonly text: string
}

/** `{{ pipeline }}`. */
export interface ActionNode extends Placed {
  readonly kind: 'action'
  readonly pipe: PipeNode
}

export interface IfNode extends Placed {
  readonly kind: 'if' | 'with' | 'range'
  readonly pipe: PipeNode
  readonly list: ListNode
  readonly elseList?: ListNode
}

/** `{{ template "name" pipeline }}`, and what is left of a `block`. */
export interface TemplateNode extends Placed {
  readonly kind: 'template'
  readonly name: string
  readonly pipe?: PipeNode
}

export interface JumpNode extends Placed {
  readonly kind: 'break' | 'continue'
}

/** Only while a list is parsed: what ends it. */
export interface EndNode extends Placed {
  readonly kind: 'end' | 'else'
}

export interface ListNode extends Placed {
  readonly kind: 'list'
  readonly nodes: readonly StatementNode[]
}

export type StatementNode = TextNode | ActionNode | IfNode | TemplateNode | JumpNode

export interface PipeNode extends Placed {
  readonly kind: 'pipe'
  readonly declarations: readonly VariableNode[]
  /** `=` rather than `:=`. */
  readonly assigns: boolean
  readonly commands: readonly CommandNode[]
}

export interface CommandNode extends Placed {
  readonly kind: 'command'
  readonly operands: readonly OperandNode[]
}

export interface IdentifierNode extends Placed {
  readonly kind: 'identifier'
  readonly name: string
}

/** `.a.b`. */
export interface FieldNode extends Placed {
  readonly kind: 'field'
  readonly path: readonly string[]
}

/** `$x.a.b`. */
export interface VariableNode extends Placed {
  readonly kind: 'variable'
  /** With its `$`. */
  readonly name: string
  readonly path: readonly string[]
}

/** `(pipeline).a.b`. */
export interface ChainNode extends Placed {
  readonly kind: 'chain'
  readonly operand: OperandNode
  readonly path: readonly string[]
}

export interface DotNode extends Placed {
  readonly kind: 'dot'
}

export interface NilNode extends Placed {
  readonly kind: 'nil'
}

export interface BooleanNode extends Placed {
  readonly kind: 'boolean'
  readonly value: boolean
}

export interface StringNode extends Placed {
  readonly kind: 'string'
  readonly value: string
  /** As written, with its quotes. */
  readonly quoted: string
}

/** A number has every meaning that its text allows: the parameter that it is for decides. */
export interface NumberNode extends Placed {
  readonly kind: 'number'
  readonly text: string
  readonly integer: bigint | undefined
  readonly float: number
  /** Written as a float, so that it is one where nothing decides. */
  readonly writtenAsFloat: boolean
}

export type OperandNode =
  | IdentifierNode
  | FieldNode
  | VariableNode
  | ChainNode
  | DotNode
  | NilNode
  | BooleanNode
  | StringNode
  | NumberNode
  | PipeNode

export type Node = StatementNode | EndNode | ListNode | CommandNode | OperandNode

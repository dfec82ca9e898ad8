/** What we use of the library's syntax tree; its own types leave most of it out. */
export interface TreeNode {
  readonly op: string
  args: unknown
  readonly start: number
  readonly end: number
  readonly meta: {
    /** What is evaluated instead: a macro's expansion, or a constant. */
    readonly alternate?: TreeNode
    readonly macro?: { evaluate: Evaluate }
    readonly evaluate: Evaluate
  }
  setMeta(key: 'evaluate', value: Evaluate): TreeNode
}

export type Evaluate = (evaluator: Evaluator, node: TreeNode, context: unknown) => unknown

export interface Evaluator {
  run(node: TreeNode, context: unknown): unknown
}

export function isTreeNode(value: unknown): value is TreeNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value && 'meta' in value
}

/** `call` is `name(…)`, `rcall` is `receiver.name(…)`. */
export function callOf(
  node: TreeNode,
): { readonly name: string; readonly receiver?: TreeNode; readonly args: readonly TreeNode[] } | undefined {
  if (node.op === 'call') {
    const [name, args] = node.args as [string, TreeNode[]]
    return { name, args }
  }
  if (node.op !== 'rcall') return undefined
  const [name, receiver, args] = node.args as [string, TreeNode, TreeNode[]]
  return { name, receiver, args }
}

/** The parts that a node is made of as it is evaluated. */
export function childrenOf(node: TreeNode): readonly TreeNode[] {
  if (node.meta.alternate !== undefined) return [node.meta.alternate]
  const { args } = node
  if (isTreeNode(args)) return [args]
  if (Array.isArray(args)) return args.flat().filter(isTreeNode)
  if (typeof args !== 'object' || args === null) return []
  return Object.values(args).filter(isTreeNode)
}

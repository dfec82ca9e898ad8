import { ALL_PARAMETERS, PARAMETER_MARK } from './cel-values.ts'
import { FUNCTIONS, ITERATING_MACROS, REPLACED_FUNCTIONS } from './functions.ts'
import { EXPRESSION_LIMITS } from './limits.ts'
import { callOf, childrenOf, type TreeNode } from './tree.ts'

/** What an expression reads, and which of its parts are names with dots. */
export interface PreparedTree {
  /** Parameters that it reads, as it writes them: `cluster.labels.env`. Sorted. */
  readonly references: readonly string[]
  /** `a.b.c`, where `a` is a parameter and none that a macro made: there may be a parameter of that whole name. */
  readonly dotted: ReadonlyMap<TreeNode, string>
}

/** A mistake that can be seen in the text alone. */
export class TreeMistake extends Error {
  readonly node: TreeNode
  readonly hint: string | undefined

  constructor(node: TreeNode, message: string, hint?: string) {
    super(message)
    this.node = node
    this.hint = hint
  }
}

/** Names that the language gives a meaning which hardly anybody means in a set: here they are parameters. */
const PARAMETERS_ALL_THE_SAME: ReadonlySet<string> = new Set(
  'type google string bool int uint double map list bytes null_type cel optional'.split(' '),
)
const NAMESPACES: { readonly [name: string]: readonly string[] } = { cel: ['bind'], optional: ['of', 'none'] }

/**
 * Looks at every part of a parsed expression before it is checked: refuses functions that are not ours to offer, puts
 * our own in the place of those that are not safe, and collects what is read.
 *
 * @throws TreeMistake
 */
export function prepareTree(root: TreeNode): PreparedTree {
  const references = new Set<string>()
  const dotted = new Map<TreeNode, string>()

  const visitAll = (nodes: readonly TreeNode[], bound: ReadonlySet<string>, depth: number): void => {
    for (const node of nodes) visit(node, bound, depth)
  }
  const visit = (node: TreeNode, bound: ReadonlySet<string>, depth: number): void => {
    if (depth > EXPRESSION_LIMITS.depth) {
      throw new TreeMistake(node, `more than ${EXPRESSION_LIMITS.depth} parts inside one another`)
    }
    const chain = nameChain(node)
    const call = callOf(node)
    if (node.op === 'value') visitLiteral(node)
    else if (chain !== undefined) visitName(chain, bound)
    else if (call !== undefined) visitCall(node, call, bound, depth + 1)
    else visitAll(childrenOf(node), bound, depth + 1)
  }
  const visitName = ({ names, nodes }: NameChain, bound: ReadonlySet<string>): void => {
    if (bound.has(names[0]!)) return
    references.add(names.join('.'))
    const root = nodes[0]!
    if (PARAMETERS_ALL_THE_SAME.has(names[0]!)) root.args = PARAMETER_MARK + names[0]
    for (const [index, node] of nodes.entries()) {
      if (index > 0) dotted.set(node, names.slice(0, index + 1).join('.'))
    }
  }
  const visitCall = (
    node: TreeNode,
    { name, receiver, args }: NonNullable<ReturnType<typeof callOf>>,
    bound: ReadonlySet<string>,
    depth: number,
  ): void => {
    if (!FUNCTIONS.has(name)) {
      throw new TreeMistake(
        node,
        `there is no function "${name}" here`,
        `there are ${[...FUNCTIONS].sort().join(', ')}`,
      )
    }
    const replacement = REPLACED_FUNCTIONS.get(name)
    if (replacement !== undefined) (node.args as unknown[])[0] = replacement
    const inNamespace =
      receiver?.op === 'id' &&
      !bound.has(receiver.args as string) &&
      NAMESPACES[receiver.args as string]?.includes(name)
    if (receiver !== undefined && inNamespace !== true) visit(receiver, bound, depth)
    const [first, ...rest] = args
    if (first?.op === 'id' && (name === 'bind' || ITERATING_MACROS.has(name))) {
      const inner = new Set([...bound, first.args as string])
      // The value that `bind` names is outside of what it names.
      if (name === 'bind') visitAll(rest.splice(0, 1), bound, depth)
      visitAll(rest, inner, depth)
    } else visitAll(args, bound, depth)
  }
  visit(root, new Set(), 0)
  return { references: [...references].sort(), dotted }
}

interface NameChain {
  readonly names: readonly string[]
  /** `a`, then `a.b`, then `a.b.c`. */
  readonly nodes: readonly TreeNode[]
}

function nameChain(node: TreeNode): NameChain | undefined {
  const names: string[] = []
  const nodes: TreeNode[] = []
  let at = node
  while (at.op === '.') {
    const [left, name] = at.args as [TreeNode, string]
    names.unshift(name)
    nodes.unshift(at)
    at = left
  }
  if (at.op !== 'id') return undefined
  return { names: [at.args as string, ...names], nodes: [at, ...nodes] }
}

function visitLiteral(node: TreeNode): void {
  if (typeof node.args === 'object' && node.args !== null) {
    const message = 'bytes and unsigned integers are no JSON values'
    throw new TreeMistake(node, message, 'write a text or a number')
  }
}

export function unknownNameHint(name: string, known: readonly string[]): string {
  const listed = known.length === 0 ? 'there are no parameters here' : `the parameters here are ${known.join(', ')}`
  return `${listed}; ${ALL_PARAMETERS}.?${name}.orValue("") is a default`
}

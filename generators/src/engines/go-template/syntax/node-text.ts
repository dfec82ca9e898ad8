import { quoteText } from '../printing/quote.ts'
import type { Node } from './nodes.ts'

/** A node as source again, in the form that errors show (`at <.a.b>`). */
export function nodeText(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'action':
      return `{{${nodeText(node.pipe)}}}`
    case 'if':
    case 'with':
    case 'range': {
      const otherwise = node.elseList === undefined ? '' : `{{else}}${nodeText(node.elseList)}`
      return `{{${node.kind} ${nodeText(node.pipe)}}}${nodeText(node.list)}${otherwise}{{end}}`
    }
    case 'template': {
      const argument = node.pipe === undefined ? '' : ` ${nodeText(node.pipe)}`
      return `{{template ${quoteText(node.name)}${argument}}}`
    }
    case 'break':
    case 'continue':
    case 'end':
    case 'else':
      return `{{${node.kind}}}`
    case 'list':
      return node.nodes.map(nodeText).join('')
    case 'pipe': {
      const names = node.declarations.map(nodeText).join(', ')
      const commands = node.commands.map(nodeText).join(' | ')
      return names === '' ? commands : `${names} ${node.assigns ? '=' : ':='} ${commands}`
    }
    case 'command':
      return node.operands.map(parenthesised).join(' ')
    case 'identifier':
      return node.name
    case 'field':
      return node.path.map(name => `.${name}`).join('')
    case 'variable':
      return [node.name, ...node.path].join('.')
    case 'chain':
      return [parenthesised(node.operand), ...node.path].join('.')
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'boolean':
      return String(node.value)
    case 'string':
      return node.quoted
    case 'number':
      return node.text
  }
}

function parenthesised(node: Node): string {
  return node.kind === 'pipe' ? `(${nodeText(node)})` : nodeText(node)
}

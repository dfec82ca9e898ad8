import { normalize } from '../../../normalize.ts'
import { branchSlug } from '../../go-template/functions/slug.ts'
import { type Arguments, mayMake } from '../arguments.ts'
import type { Helper } from './helper.ts'

const MOST_INDENT = 100

export const TEXT_HELPERS: readonly Helper[] = [
  { name: 'lower', parameters: 'text', meaning: 'In lower case.', apply: args => args.text(0).toLowerCase() },
  { name: 'upper', parameters: 'text', meaning: 'In upper case.', apply: args => args.text(0).toUpperCase() },
  { name: 'trim', parameters: 'text', meaning: 'Without white space at its ends.', apply: args => args.text(0).trim() },
  {
    name: 'replace',
    parameters: 'text old new',
    meaning: 'Every `old` becomes `new`; neither is a pattern.',
    apply: replace,
  },
  {
    name: 'normalize',
    parameters: 'text',
    meaning: 'As a name in Kubernetes: lower case, anything but letters, digits, `-` and `.` becomes `-`.',
    apply: args => normalize(args.text(0)),
  },
  {
    name: 'slugify',
    parameters: 'text',
    meaning: 'As a part of a host name: ASCII, words joined by `-`, at most 50 characters.',
    apply: args => branchSlug(args.text(0)),
  },
  {
    name: 'truncate',
    parameters: 'length text',
    meaning: 'Its first characters, at most so many.',
    apply: args => {
      const length = args.smallNumber(0, 1_000_000)
      return [...args.text(1)].slice(0, length).join('')
    },
  },
  { name: 'concat', parameters: 'text…', meaning: 'All of them, one after the other.', apply: concat },
  {
    name: 'startsWith',
    parameters: 'text start',
    meaning: 'Whether the text begins so.',
    apply: args => args.text(0).startsWith(args.text(1)),
  },
  {
    name: 'endsWith',
    parameters: 'text end',
    meaning: 'Whether the text ends so.',
    apply: args => args.text(0).endsWith(args.text(1)),
  },
  {
    name: 'indent',
    parameters: 'width text',
    meaning: 'Each line moved right by so many blanks.',
    apply: args => indent(args.smallNumber(0, MOST_INDENT), args.text(1)),
  },
  {
    name: 'nindent',
    parameters: 'width text',
    meaning: 'The same, on a new line.',
    apply: args => `\n${indent(args.smallNumber(0, MOST_INDENT), args.text(1))}`,
  },
]

function replace(args: Arguments): string {
  const [text, search, replacement] = [args.text(0), args.text(1), args.text(2)]
  const parts = text.split(search)
  args.spend(parts.length / 8)
  mayMake(text.length + (parts.length - 1) * replacement.length)
  return parts.join(replacement)
}

function concat(args: Arguments): string {
  let result = ''
  for (let index = 0; index < args.count; index++) {
    result += args.text(index)
    mayMake(result.length)
  }
  return result
}

function indent(width: number, text: string): string {
  const lines = text.split('\n')
  mayMake(text.length + lines.length * width)
  return lines.map(line => ' '.repeat(width) + line).join('\n')
}

import { findUnclosed, type Unclosed } from './find-unclosed.ts'
import type { YamlProblem } from './yaml-codes.ts'

interface Wording {
  readonly message: string
  readonly hint?: string
}

const CONFLICT = /^<{7} .*$/m
const NO_FIRST_CHARACTER = '@`%'

/**
 * A parser's complaint in the words of whoever wrote the text: what is wrong, where to look, how to mend it. What was
 * opened and never closed is shown where it opens, because the parser stumbles lines later.
 *
 * @param reason The parser's own words; shown as they are when nothing better is known.
 * @param at Offset at which the parser gave up.
 */
export function syntaxProblem(reason: string, text: string, at: number): YamlProblem {
  const conflict = CONFLICT.exec(text)
  if (conflict !== null) {
    const hint = 'choose one side and remove the lines with <<<<<<<, ======= and >>>>>>>'
    return problem(conflict.index, { message: 'a merge conflict of Git is not resolved', hint })
  }
  if (/deficient indentation|unexpected end of the/.test(reason)) {
    const open = findUnclosed(text, at)
    if (open !== undefined) return problem(open.at, unclosed(open.character))
  }
  return problem(at, wordingOf(reason, text, at))
}

function problem(offset: number, { message, hint }: Wording): YamlProblem {
  return { code: 'YAML_SYNTAX', offset, message, ...(hint === undefined ? {} : { hint }) }
}

function unclosed(character: Unclosed['character']): Wording {
  if (character === '"' || character === "'") {
    return { message: `the text that begins with ${character} has no end`, hint: 'close the quote' }
  }
  return { message: `"${character}" is not closed`, hint: `add "${character === '[' ? ']' : '}'}" where it ends` }
}

function wordingOf(reason: string, text: string, at: number): Wording {
  if (reason.includes('tab characters')) return { message: reason, hint: 'indent with spaces' }
  if (reason.includes('maxDepth')) {
    const depth = /\d+/.exec(reason)?.[0]
    return { message: `the document nests deeper than ${depth} levels`, hint: 'flatten it' }
  }
  if (reason.startsWith('deficient indentation')) {
    return {
      message: 'the line is indented less than what it continues',
      hint: 'indent it, or close what is open above',
    }
  }
  if (reason.startsWith('bad indentation of a sequence')) {
    return { message: 'the line does not fit the list above it', hint: 'indent all items of a list alike' }
  }
  if (reason.startsWith('bad indentation of a mapping')) return misfit(text, at)
  if (reason.startsWith('end of the stream')) return leftover(text, at)
  if (reason.startsWith('missed comma')) {
    return { message: 'a comma is missing before this', hint: 'add it, or close the bracket that is open above' }
  }
  if (reason.startsWith('unknown escape')) {
    return { message: 'the escape is unknown', hint: 'write "\\\\" for a backslash, or use single quotes' }
  }
  if (reason.includes('non-printable')) {
    return { message: 'a control character stands here', hint: 'remove it, or write it as an escape in double quotes' }
  }
  return { message: reason, hint: 'look at the indentation, quotes and brackets of this line and the one before' }
}

/** Something in a mapping that is neither a value nor the next key. */
function misfit(text: string, at: number): Wording {
  const character = text[at] ?? ''
  if (NO_FIRST_CHARACTER.includes(character) && character !== '') {
    return { message: `a value may not begin with ${character}`, hint: 'put it in quotes' }
  }
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
  if (character === ':' && /:\s/.test(before)) {
    return { message: 'a second ": " stands in one line', hint: 'put the value in quotes, or begin a new line' }
  }
  if (/[\]}]\s*$/.test(before)) {
    return { message: 'text follows a closed bracket', hint: 'put the whole value in quotes, a template too: "{{…}}"' }
  }
  return { message: 'the line does not fit the mapping above it', hint: 'indent all keys of a mapping alike' }
}

/** Content after what looked like the whole document. */
function leftover(text: string, at: number): Wording {
  const character = text[at] ?? ''
  if (character === ']' || character === '}') {
    return { message: `"${character}" closes nothing`, hint: 'remove it, or open what it closes' }
  }
  const message = 'this belongs to nothing above it'
  if (text.trimStart().startsWith('{{')) {
    return { message, hint: 'templates around the YAML are not read: write the document itself' }
  }
  return { message, hint: 'is a ":" missing before it, or is its indentation wrong?' }
}

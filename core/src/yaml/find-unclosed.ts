export interface Unclosed {
  readonly character: '[' | '{' | '"' | "'"
  readonly at: number
}

/**
 * The innermost bracket or quote that is open at `end`: where a person has to look, when a parser says only that it
 * met something unexpected further down. A guess for a message, not a parser: it knows quotes, comments and block
 * texts, and takes a quote for an opening one only where a value may begin.
 */
export function findUnclosed(text: string, end: number): Unclosed | undefined {
  const open: Unclosed[] = []
  let fresh = true
  for (let at = 0; at < end; at++) {
    const character = text[at]!
    const before = at === 0 ? '\n' : text[at - 1]!
    if (character === '#' && /\s/.test(before)) {
      at = endOfLine(text, at) - 1
    } else if ((character === '"' || character === "'") && fresh) {
      const close = closingQuote(text, at, character)
      if (close === undefined || close >= end) return { character, at }
      at = close
      fresh = false
    } else if ((character === '[' || character === '{') && (fresh || open.length > 0)) {
      open.push({ character, at })
      fresh = true
    } else if ((character === ']' || character === '}') && open.length > 0) {
      open.pop()
      fresh = false
    } else if ((character === '|' || character === '>') && fresh && open.length === 0) {
      at = endOfBlock(text, at) - 1
      fresh = true
    } else if (/\s/.test(character)) {
      fresh = fresh || character === '\n' || before === ':' || before === '-'
    } else {
      fresh = character === ',' && open.length > 0
    }
  }
  return open.at(-1)
}

/** Undefined when it never closes. */
function closingQuote(text: string, from: number, quote: '"' | "'"): number | undefined {
  for (let at = from + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++
    else if (text[at] === quote) {
      if (quote === '"' || text[at + 1] !== quote) return at
      at++
    }
  }
  return undefined
}

/** Past a literal or folded text: every line that is indented deeper than the one it begins on. */
function endOfBlock(text: string, at: number): number {
  const indent = indentAt(text, text.lastIndexOf('\n', at) + 1)
  let line = endOfLine(text, at) + 1
  while (line < text.length) {
    const end = endOfLine(text, line)
    if (text.slice(line, end).trim() !== '' && indentAt(text, line) <= indent) break
    line = end + 1
  }
  return Math.min(line, text.length)
}

function indentAt(text: string, line: number): number {
  let at = line
  while (text[at] === ' ') at++
  return at - line
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

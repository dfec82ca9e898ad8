/** One `---` part of a YAML text: offsets into the whole text, end exclusive. */
export interface DocumentPart {
  readonly start: number
  readonly end: number
}

// Three dashes or dots at the start of a line and nothing glued to them. A line break is any of \n, \r\n and \r.
const MARKER = /(?:^|[\r\n])(---|\.\.\.)(?=[ \t\r\n]|$)/g
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * Cuts a YAML text at its document markers, so that a mistake in one document cannot hide those of the next.
 *
 * YAML lets a marker at the start of a line end everything, an open quote or block text included; so the cut needs no
 * understanding of what stands between. A part keeps the `---` it begins with. Parts of directives alone
 * (`%YAML 1.2`) are joined with the document that they belong to; parts without content are left out.
 */
export function splitDocuments(text: string): DocumentPart[] {
  const parts: DocumentPart[] = []
  let start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0
  let directivesFrom: number | undefined
  const close = (end: number): void => {
    if (end <= start) return
    const content = firstContent(text, start, end)
    if (content === undefined) return
    if (content === '%') directivesFrom = start
    else {
      parts.push({ start: directivesFrom ?? start, end })
      directivesFrom = undefined
    }
  }
  if (text.includes('---') || text.includes('...')) {
    MARKER.lastIndex = start
    // With a byte order mark the first line does not begin at offset 0, and `^` would miss its marker: it needs no cut.
    for (let match = MARKER.exec(text); match !== null; match = MARKER.exec(text)) {
      const marker = match[1] === '---' ? match.index + match[0].length - 3 : match.index + match[0].length
      close(marker)
      start = marker
      MARKER.lastIndex = match.index + match[0].length
    }
  }
  close(text.length)
  return parts
}

/** The first character that is neither white space, comment nor the leading `---`; undefined when there is none. */
function firstContent(text: string, start: number, end: number): string | undefined {
  let at = text.startsWith('---', start) ? start + 3 : start
  while (at < end) {
    const character = text[at]!
    if (character === '#') {
      while (at < end && text[at] !== '\n' && text[at] !== '\r') at++
    } else if (character === ' ' || character === '\t' || character === '\n' || character === '\r') {
      at++
    } else if (character === BYTE_ORDER_MARK) {
      at++
    } else {
      return text.startsWith('...', at) && at + 3 >= end ? undefined : character
    }
  }
  return undefined
}

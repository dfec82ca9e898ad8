/**
 * Replaces comments and the insides of quoted strings by spaces, line breaks kept, so that a rule meets code only.
 * Template literals keep their text: code stands inside them too.
 */
export function blankText(source: string): string {
  const output: string[] = []
  let index = 0
  const blank = (until: number): void => {
    for (; index < until; index++) output.push(source[index] === '\n' ? '\n' : ' ')
  }
  while (index < source.length) {
    const two = source.slice(index, index + 2)
    if (two === '//') {
      const end = source.indexOf('\n', index)
      blank(end < 0 ? source.length : end)
    } else if (two === '/*') {
      const end = source.indexOf('*/', index + 2)
      blank(end < 0 ? source.length : end + 2)
    } else if (source[index] === "'" || source[index] === '"') {
      const end = endOfString(source, index)
      output.push(source[index]!)
      index++
      blank(end)
      if (index < source.length) output.push(source[index++]!)
    } else {
      output.push(source[index++]!)
    }
  }
  return output.join('')
}

function endOfString(source: string, start: number): number {
  for (let index = start + 1; index < source.length; index++) {
    if (source[index] === '\\') index++
    else if (source[index] === source[start] || source[index] === '\n') return index
  }
  return source.length
}

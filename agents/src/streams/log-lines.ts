import { MAX_LINE_LENGTH } from '@flotilla/core/protocol/stream-records'

const CUT = ' … (cut)'

/**
 * Lines of a log however long they are: one that is too long is cut and its rest read past, so that nobody's memory
 * depends on what a container prints. Bytes that are no UTF-8 become the sign for that.
 */
export async function* logLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  const longest = MAX_LINE_LENGTH - CUT.length
  let line = ''
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      line = grown(line, text.slice(start, end), longest)
      yield finished(line, longest)
      line = ''
      start = end + 1
    }
    line = grown(line, text.slice(start), longest)
  }
  if (line !== '') yield finished(line, longest)
}

/** One character more than may stay shows that there was more. */
function grown(line: string, more: string, longest: number): string {
  return line.length > longest ? line : line + more.slice(0, longest + 1 - line.length)
}

function finished(line: string, longest: number): string {
  const whole = line.endsWith('\r') ? line.slice(0, -1) : line
  return whole.length > longest ? whole.slice(0, longest) + CUT : whole
}

/** The time that the cluster writes before each line when it is asked to, and the line behind it. */
export function splitTimestamp(line: string): { readonly at?: string; readonly text: string } {
  const match = /^(\d{4}-\d\d-\d\dT[\d:.]{8,20}(?:Z|[+-]\d\d:\d\d)) (.*)$/s.exec(line)
  return match ? { at: match[1] ?? '', text: match[2] ?? '' } : { text: line }
}

import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'

export class BodyTooLarge extends Error {
  constructor(mostBytes: number) {
    super(`the answer has more than ${mostBytes} bytes`)
    this.name = 'BodyTooLarge'
  }
}

/** Reads a body to its end as text, counted while it comes. @throws BodyTooLarge */
export async function readText(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > mostBytes) throw new BodyTooLarge(mostBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size).toString('utf8')
}

/** JSON where it is JSON, the text itself where a proxy answered with something else. */
export function parseJsonOrText(text: string): Json {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

/** Lines of a stream, cut at bytes so that a character split over two chunks stays whole. @throws BodyTooLarge */
export async function* readLines(body: AsyncIterable<Uint8Array>, mostBytesALine: number): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = rest.indexOf('\n', start); end >= 0; end = rest.indexOf('\n', start)) {
      if (end > start) yield rest.slice(start, end)
      start = end + 1
    }
    rest = rest.slice(start)
    if (rest.length > mostBytesALine) throw new BodyTooLarge(mostBytesALine)
  }
  if (rest.trim() !== '') yield rest
}

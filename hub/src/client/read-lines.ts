/** Of a refusal; what is longer is none of a hub's. */
const MAX_REFUSAL_BYTES = 1024 * 1024

export async function wholeBody(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MAX_REFUSAL_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The lines of a text that comes in pieces, without the empty ones. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield line
  }
  if (rest !== '') yield rest
}

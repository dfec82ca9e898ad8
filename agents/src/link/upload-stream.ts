import { isJsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import type { HubClient, Speaker } from './hub-client.ts'
import type { UploadAnswer } from './hub-link.ts'

const MAX_ANSWER_BYTES = 16 * 1024

/** Streams under a command's id, and says whether it was read to its end. @throws HubUnreachable */
export async function uploadStream(
  client: HubClient,
  speaker: Speaker,
  {
    commandId,
    body,
    signal,
  }: { readonly commandId: string; readonly body: AsyncIterable<Uint8Array>; readonly signal: AbortSignal },
): Promise<UploadAnswer> {
  const path = `/agent/v1/uploads/${encodeURIComponent(commandId)}`
  const response = await client.upload(speaker, path, body, signal)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) break
    chunks.push(chunk)
  }
  if (response.status === 200) return { taken: true, message: '' }
  const answer = parseBoundedJsonBytes(Buffer.concat(chunks), MAX_ANSWER_BYTES)
  const message = isJsonObject(answer) ? textAt(answer, 'message') : ''
  return { taken: false, message: message || `the hub answered ${response.status}` }
}

import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { ClusterResponse } from '@flotilla/core/ports/cluster-transport'

/** An answer before it is bytes. */
export type ApiResponse =
  | {
      readonly kind: 'json'
      readonly status: number
      readonly value: Json
      readonly contentType?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'text'; readonly status: number; readonly text: string }
  | { readonly kind: 'stream'; readonly body: AsyncIterable<Uint8Array>; readonly contentType?: string }

export function ok(value: Json, status = 200): ApiResponse {
  return { kind: 'json', status, value }
}

const encoder = new TextEncoder()

/** JSON as the wire has it; whole numbers beyond 2^53 keep their digits. */
export function jsonText(value: Json): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    // JSON.stringify refuses bigint; the canonical writer knows it.
    if (error instanceof TypeError) return canonicalJson(value)
    throw error
  }
}

export function encode(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Makes the answer a transport's response; warnings become `Warning` headers. */
export function toClusterResponse(response: ApiResponse, warnings: readonly string[]): ClusterResponse {
  const headers: Record<string, string> = { 'cache-control': 'no-cache, private' }
  if (warnings.length > 0) {
    headers['warning'] = warnings.map(text => `299 - ${JSON.stringify(text.replaceAll('\n', ' '))}`).join(', ')
  }
  switch (response.kind) {
    case 'stream':
      headers['content-type'] = response.contentType ?? 'application/json'
      return { status: 200, headers, body: response.body }
    case 'text':
      headers['content-type'] = 'text/plain; charset=utf-8'
      return { status: response.status, headers, body: once(encode(response.text)) }
    case 'json':
      Object.assign(headers, response.headers)
      headers['content-type'] = response.contentType ?? 'application/json'
      return { status: response.status, headers, body: once(encode(jsonText(response.value))) }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

import { gitHttpClient, type HttpClientOptions } from './isomorphic-http.ts'

const SERVICE = 'application/x-git-upload-pack'

/**
 * One request in Git's protocol of today (version 2), without a process.
 *
 * @returns Undefined where the answer is no success, or comes from another address than was asked.
 * @throws What the network throws; `ResponseTooLarge`.
 */
export async function askUploadPack(
  url: string,
  path: string,
  command: Uint8Array | undefined,
  options: HttpClientOptions,
): Promise<Uint8Array | undefined> {
  const headers = {
    'git-protocol': 'version=2',
    ...(command && { 'content-type': `${SERVICE}-request`, accept: `${SERVICE}-result` }),
  }
  const asked = `${url}${path}`
  const sent = command && { body: [command] as unknown as AsyncIterableIterator<Uint8Array> }
  const response = await gitHttpClient(options).request({
    url: asked,
    method: command ? 'POST' : 'GET',
    headers,
    ...sent,
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body ?? []) chunks.push(chunk)
  return response.statusCode === 200 && response.url === asked ? Buffer.concat(chunks) : undefined
}

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AwsV4Signer } from 'aws4fetch'
import { HostError } from './host-error.ts'
import type { OutgoingCall } from './provider.ts'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The hub's own AWS credentials, as AWS's programs find them: the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`
 * and `AWS_SESSION_TOKEN`, else the profile (`AWS_PROFILE`) of the shared file.
 *
 * @throws HostError `HOST_SECRET_MISSING`
 */
export async function findAwsCredentials(environment: Environment): Promise<AwsCredentials> {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment
  if (id && secret) return { accessKeyId: id, secretAccessKey: secret, ...(token && { sessionToken: token }) }
  const path = environment['AWS_SHARED_CREDENTIALS_FILE'] || join(environment['HOME'] ?? '/', '.aws', 'credentials')
  const profile = environment['AWS_PROFILE'] || 'default'
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw missing('there are no AWS credentials: neither AWS_ACCESS_KEY_ID nor a shared file of them', cause)
  })
  const found = readProfile(text, profile)
  if (found === undefined) throw missing(`the shared file of AWS credentials has no whole profile "${profile}"`)
  return found
}

/** One profile of a shared file (INI). */
export function readProfile(text: string, profile: string): AwsCredentials | undefined {
  const values = new Map<string, string>()
  let inside = false
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line)
    if (section !== null) inside = section[1] === profile
    const pair = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line)
    if (inside && pair !== null) values.set(pair[1]!.toLowerCase(), pair[2]!)
  }
  const accessKeyId = values.get('aws_access_key_id')
  const secretAccessKey = values.get('aws_secret_access_key')
  const sessionToken = values.get('aws_session_token')
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
}

/** Names credentials without telling them. */
export function digestOf({ accessKeyId, secretAccessKey, sessionToken = '' }: AwsCredentials): string {
  return createHash('sha256')
    .update(JSON.stringify([accessKeyId, secretAccessKey, sessionToken]))
    .digest('base64url')
}

/** The headers that sign a call (Signature Version 4). @param now Milliseconds since 1970. */
export async function signedHeaders(
  credentials: AwsCredentials,
  scope: { readonly service: string; readonly region: string },
  { method, url, body, headers }: OutgoingCall,
  now: number,
): Promise<Readonly<Record<string, string>>> {
  const datetime = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const signer = new AwsV4Signer({
    ...credentials,
    ...scope,
    method,
    url: url.href,
    body,
    headers: { ...headers },
    datetime,
  })
  const signed = await signer.sign()
  const added: Record<string, string> = {}
  for (const name of ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']) {
    const value = signed.headers.get(name)
    if (value !== null) added[name] = value
  }
  return added
}

function missing(message: string, cause?: unknown): HostError {
  return new HostError('HOST_SECRET_MISSING', message, { retry: true, cause })
}

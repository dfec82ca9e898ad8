import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { numberIfAny, textAt } from '@flotilla/core/json/read-json'
import {
  type AwsCredentials,
  digestOf,
  type Environment,
  findAwsCredentials,
  signedHeaders,
} from './aws-credentials.ts'
import { HostError } from './host-error.ts'
import type { ConnectContext, Connection } from './provider.ts'

const SESSION_NAME = 'flotilla'

interface AwsAsked {
  readonly region: string
  readonly environment: Environment
}

/**
 * The credentials to ask with: the hub's own, or those of the role that they take on. Inside a Pod with an identity of
 * its own (`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`) the hub's own are that role's.
 *
 * @throws HostError
 */
export async function awsSession(
  { role, ...asked }: AwsAsked & { readonly role: string },
  context: ConnectContext,
): Promise<AwsCredentials> {
  const own = (await webIdentity(asked, context)) ?? (await findAwsCredentials(asked.environment))
  if (role === '') return own
  const parameters = { RoleArn: role, RoleSessionName: SESSION_NAME }
  return await openSession({ ...asked, action: 'AssumeRole', parameters, signer: own, opens: digestOf(own) }, context)
}

/** One AWS service in a region. Requests are signed where there are credentials. */
export function awsConnection(
  asked: AwsAsked & {
    readonly service: 'codecommit' | 'sts'
    readonly credentials: AwsCredentials | undefined
    readonly identity: string
  },
  { now }: Pick<ConnectContext, 'now'>,
): Connection {
  const { service, region, environment, credentials, identity } = asked
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const set = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`]
  const baseUrl = (set ?? `https://${service}.${region}.${suffix}`).replace(/\/*$/, '/')
  return {
    baseUrl,
    trust: { insecure: false },
    identity,
    headers: async call =>
      credentials === undefined ? UNSIGNED : await signedHeaders(credentials, { service, region }, call, now()),
  }
}

const UNSIGNED: Readonly<Record<string, string>> = {}

/** Undefined where the process has no such identity, or keys of its own, which come first. */
async function webIdentity(asked: AwsAsked, context: ConnectContext): Promise<AwsCredentials | undefined> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: role, AWS_ACCESS_KEY_ID: keys } = asked.environment
  if (!path || !role || keys) return undefined
  const token = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new HostError('HOST_SECRET_MISSING', `AWS_WEB_IDENTITY_TOKEN_FILE cannot be read`, { retry: true, cause })
  })
  const WebIdentityToken = token.trim()
  const opens = createHash('sha256').update(WebIdentityToken).digest('base64url')
  const parameters = { RoleArn: role, RoleSessionName: SESSION_NAME, WebIdentityToken }
  const action = 'AssumeRoleWithWebIdentity'
  return await openSession({ ...asked, action, parameters, signer: undefined, opens }, context)
}

async function openSession(
  asked: AwsAsked & {
    readonly action: 'AssumeRole' | 'AssumeRoleWithWebIdentity'
    readonly parameters: { readonly RoleArn: string; readonly [name: string]: string }
    readonly signer: AwsCredentials | undefined
    /** A digest of what opens it: another token opens another session. */
    readonly opens: string
  },
  context: ConnectContext,
): Promise<AwsCredentials> {
  const { region, environment, action, parameters, signer, opens } = asked
  const key = JSON.stringify(['aws', action, region, parameters.RoleArn, opens])
  const session = await context.session(key, async () => {
    const sts = { service: 'sts', region, environment, credentials: signer, identity: key } as const
    const api = context.api(awsConnection(sts, context))
    const query = { Action: action, Version: '2011-06-15', ...parameters }
    const { body } = await api.ask({ path: '', query, headers: { accept: 'application/json' } })
    const path = [`${action}Response`, `${action}Result`, 'Credentials']
    const seconds = numberIfAny(body, ...path, 'Expiration')
    const expiresAt = seconds === undefined ? Date.parse(textAt(body, ...path, 'Expiration')) : seconds * 1000
    const credentials: AwsCredentials = {
      accessKeyId: textAt(body, ...path, 'AccessKeyId'),
      secretAccessKey: textAt(body, ...path, 'SecretAccessKey'),
      sessionToken: textAt(body, ...path, 'SessionToken'),
    }
    if (credentials.accessKeyId === '' || credentials.secretAccessKey === '' || Number.isNaN(expiresAt)) {
      const message = `AWS gave no session for the role ${parameters.RoleArn}`
      throw new HostError('HOST_ANSWER_INVALID', message, { retry: true })
    }
    return { value: JSON.stringify(credentials), expiresAt }
  })
  return JSON.parse(session) as AwsCredentials
}

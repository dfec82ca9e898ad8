import type { JsonObject } from '@flotilla/core/json/json'
import { neededText, objectOf } from './config-fields.ts'
import { HostError } from './host-error.ts'
import type { ConnectContext } from './provider.ts'

/**
 * The header of `basicAuth` or `bearerToken` of a Bitbucket configuration; none where neither is given.
 *
 * @throws HostError
 */
export async function bitbucketHeaders(
  config: JsonObject,
  { secrets }: Pick<ConnectContext, 'secrets'>,
  baseUrl: string,
): Promise<Readonly<Record<string, string>>> {
  const basic = objectOf(config, 'basicAuth')
  const bearer = objectOf(config, 'bearerToken')
  if (basic !== undefined && bearer !== undefined) {
    throw new HostError('HOST_CONFIG_INVALID', 'basicAuth cannot stand beside bearerToken', { retry: false })
  }
  if (basic !== undefined) {
    return basicHeader(neededText(basic, 'username'), await secrets.secret(basic['passwordRef'], baseUrl))
  }
  if (bearer === undefined) return {}
  const token = await secrets.secret(bearer['tokenRef'], baseUrl)
  return token === '' ? {} : { authorization: `Bearer ${token}` }
}

/** @throws HostError `HOST_CONFIG_INVALID` for a user that would end where the password begins. */
export function basicHeader(username: string, password: string): Readonly<Record<string, string>> {
  if (username.includes(':')) {
    throw new HostError('HOST_CONFIG_INVALID', 'a user name holds no colon', { retry: false })
  }
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}` }
}

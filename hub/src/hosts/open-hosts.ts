import { readFile } from 'node:fs/promises'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ConfiguredHosts } from '../settings/read-hosts.ts'
import type { HostsParts } from './hosts.ts'
import { NodeHttpClient } from './node-http-client.ts'

/** The way to Git hosts as hub.yaml describes it, for a hub's parts. */
export interface OpenedHosts extends Pick<HostsParts, 'settings'> {
  readonly http: NodeHttpClient
}

/**
 * Opens nothing yet: sockets come with the first question. Whoever opened it closes `http`.
 *
 * @param environment Where the proxy is found when the settings name none.
 * @throws The error of reading `scm.rootCAFile`.
 */
export async function openHosts(
  hosts: ConfiguredHosts,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OpenedHosts> {
  const { rootCAFile, proxy, noProxy, ...settings } = hosts
  const certificateAuthority = rootCAFile === undefined ? undefined : await readFile(rootCAFile, 'utf8')
  const http = new NodeHttpClient({
    clock,
    environment,
    ...(proxy !== undefined && { proxy }),
    ...(noProxy !== undefined && { noProxy: noProxy.join(',') }),
    ...(certificateAuthority !== undefined && { certificateAuthority }),
  })
  return { http, settings }
}

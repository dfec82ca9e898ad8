import { createClock } from '@flotilla/core/ports/create-clock'
import type { HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import { type GitHostRequest, GitHosts } from '../ask-host.ts'
import { HostApis, type HostLimits } from '../host-api.ts'
import { HostError } from '../host-error.ts'
import type { SecretSettings } from '../host-secrets.ts'
import { NodeHttpClient } from '../node-http-client.ts'

/** A way to ask hosts over real sockets, with nothing kept between the answers but pages. */
export function hostsForTest(settings: Partial<SecretSettings> & { readonly limits?: Partial<HostLimits> } = {}): {
  ask(request: HostedRequest): Promise<InputAnswer>
  failure(request: HostedRequest): Promise<string>
  close(): void
} {
  const { limits, ...secrets } = settings
  const clock = createClock(globalThis)
  const http = new NodeHttpClient({ clock, environment: {} })
  const apis = new HostApis({ http, clock, limits })
  const hosts = new GitHosts(apis, clock, { secrets: [], allowedProviders: [], ...secrets })
  const ask = (request: HostedRequest) => hosts.ask(request as GitHostRequest, new AbortController().signal)
  return {
    ask,
    /** `CODE message` of the failure that it must be. */
    failure: async request => {
      try {
        return `no failure but ${JSON.stringify(await ask(request))}`
      } catch (error) {
        if (!(error instanceof HostError)) throw error
        return `${error.code} ${error.message}`
      }
    },
    close: () => http.close(),
  }
}

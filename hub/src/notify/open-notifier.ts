import type { SecretSettings } from '../hosts/host-secrets.ts'
import { AddressGuard } from './address-guard.ts'
import type { ProxyEnvironment } from './environment-proxy.ts'
import { Notifier, type NotifierParts } from './notifier.ts'
import { RouteSecrets } from './route-secrets.ts'
import { send } from './send.ts'

export interface NotifySettings {
  /** Where credentials are, and whose they are. */
  readonly secrets: SecretSettings
  /** Special networks that messages may go to all the same. */
  readonly allowedNetworks: readonly string[]
  /** The process' variables: `HTTPS_PROXY` and its like. */
  readonly environment: ProxyEnvironment
}

/** The notifier of a hub, with real targets. */
export function openNotifier(parts: Omit<NotifierParts, 'send'>, settings: NotifySettings): Notifier {
  const guard = new AddressGuard(settings.allowedNetworks)
  const secrets = new RouteSecrets(settings.secrets)
  const sendParts = { guard, secrets, clock: parts.clock, proxies: settings.environment }
  return new Notifier({ ...parts, send: (target, sending) => send(target, sending, sendParts) })
}

import type { Trust } from '@flotilla/core/model/fleet'

/** Which Git hosts an installation lets documents ask (`scm` in hub.yaml). */
export interface HostPolicy {
  readonly enabled: boolean
  /** URLs that `api` may have, letter by letter; an empty list allows every one, as in Argo CD. */
  readonly allowedProviders: readonly string[]
}

/**
 * Why a document may not ask the host at `api`, in Argo CD's words; undefined when it may. An `api` that is empty is the
 * provider's public address, which is always allowed.
 *
 * Without an allow list, sets of a config source that is limited to projects may name no address of their own: whoever
 * can write one could have the hub call any service in its network. Argo CD lets them.
 */
export function hostRefusal(policy: HostPolicy, api: string, trust: Trust): string | undefined {
  if (api === '') return undefined
  const { allowedProviders } = policy
  const quoted = JSON.stringify(api)
  if (allowedProviders.length === 0) {
    if (trust.kind === 'all') return undefined
    return `scm provider not allowed: scm provider ${quoted} is not in scm.allowedProviders, and this config source is limited to projects`
  }
  if (allowedProviders.includes(api)) return undefined
  return `scm provider not allowed: scm provider ${quoted} not allowed, must use one of the following: ${allowedProviders.join(', ')}`
}

export const HOSTS_DISABLED = 'scm providers are disabled'

/** Argo CD's: providers are enabled and none is excluded. */
export const EVERY_HOST: HostPolicy = { enabled: true, allowedProviders: [] }

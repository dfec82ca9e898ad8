/** What a set may do with the Applications that it generated. */
export const SET_POLICIES = ['create-only', 'create-update', 'create-delete', 'sync'] as const
export type SetPolicyName = (typeof SET_POLICIES)[number]

/** What the hub's settings say of every set. */
export interface HubSetPolicy {
  /** Absent: each set's own. */
  readonly policy?: SetPolicyName
  /** Whether a set's own policy counts beside the hub's. */
  readonly allowOverride: boolean
}

/** No policy of the hub's, so that each set's own counts. */
export const OWN_SET_POLICIES: HubSetPolicy = { allowOverride: true }

/**
 * The policy that counts: the hub's, unless sets may have their own and this one has (applicationsets.md 11.1). Whether
 * they may is decided by the setting itself wherever it was made; with a policy of the hub's, the default is no.
 */
export function effectivePolicy(hub: HubSetPolicy, own: string | undefined): SetPolicyName {
  const policy = own !== undefined && (hub.allowOverride || hub.policy === undefined) ? own : hub.policy
  return SET_POLICIES.find(name => name === policy) ?? 'sync'
}

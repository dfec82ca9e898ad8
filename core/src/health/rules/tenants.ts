import type { Line } from '../data/data-rule.ts'
import {
  condition,
  equals,
  filled,
  goodWhenTrue,
  kindsOf,
  MESSAGE,
  not,
  present,
  rule,
  type ShippedRule,
  stale,
} from './parts.ts'
import { count } from './value-parts.ts'

/** What holds for all of them, before a condition is believed. */
const reported: readonly Line[] = [
  [not(present('status.conditions')), 'Progressing', 'Waiting for {kind} to report its status'],
  [stale(), 'Progressing', 'Waiting for {kind} to be reconciled'],
]

const WAITS = 'Waiting for {kind} to say whether it is ready'

/** Capsule, its proxy, and its operator for SOPS. */
export const tenantRules: readonly ShippedRule[] = [
  rule(
    [
      ...kindsOf('capsule.clastix.io', 'CapsuleConfiguration', 'CustomQuota', 'GlobalCustomQuota', 'TenantOwner'),
      ...kindsOf('capsule.clastix.io', 'GlobalProxySettings', 'ProxySetting'),
      ...kindsOf('addons.projectcapsule.dev', 'GlobalSopsSecret', 'SopsProvider', 'SopsSecret'),
    ],
    [...reported, ...goodWhenTrue('Ready'), [condition('Ready', 'Unknown'), 'Progressing', MESSAGE]],
    WAITS,
  ),
  rule(
    'capsule.clastix.io/Tenant',
    [...reported, [condition('Cordoned', 'True'), 'Suspended', MESSAGE], ...goodWhenTrue('Ready')],
    WAITS,
  ),
  rule(
    kindsOf('capsule.clastix.io', 'GlobalTenantResource', 'TenantResource'),
    [[equals('spec.cordoned', true), 'Suspended', '{kind} is cordoned'], ...reported, ...goodWhenTrue('Ready')],
    WAITS,
  ),
  rule(
    'capsule.clastix.io/ResourcePool',
    [
      ...reported,
      [filled('status.exhaustions'), 'Degraded', 'Resources of which the pool has no more: {$exhausted}'],
      ...goodWhenTrue('Ready'),
    ],
    WAITS,
    { exhausted: count('status.exhaustions') },
  ),
  rule(
    'capsule.clastix.io/ResourcePoolClaim',
    [...reported, [condition('Bound', 'False'), 'Suspended', MESSAGE], ...goodWhenTrue('Ready')],
    WAITS,
  ),
]

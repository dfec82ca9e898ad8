import { TemplateError } from './failure.ts'

/** Which resources decide on clusters, and where in their status they say so. */
export interface DecisionSettings {
  readonly group: string
  readonly version: string
  /** The plural name, as in the API's paths: `placementdecisions`. */
  readonly resource: string
  readonly statusListKey: string
  /** The key of a decision that holds the cluster's name; empty: none is meant. */
  readonly matchKey: string
}

/** As Kubernetes allows them: they become part of a path. */
const GROUP = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/
const WORD = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * Reads the data of a ConfigMap that a clusterDecisionResource generator names (applicationsets.md 9.10): `apiVersion`,
 * `kind` (which holds the plural name of the resource), `statusListKey` (default `clusters`) and `matchKey`.
 *
 * @throws TemplateError `DECISION_SETTINGS_INVALID`
 */
export function readDecisionSettings(data: { readonly [key: string]: string }): DecisionSettings {
  const text = (key: string): string => (Object.hasOwn(data, key) ? data[key]! : '')
  const apiVersion = text('apiVersion')
  const resource = text('kind').toLowerCase()
  const slash = apiVersion.indexOf('/')
  const group = apiVersion.slice(0, Math.max(slash, 0))
  const version = apiVersion.slice(slash + 1)
  if (!GROUP.test(group) || !WORD.test(version) || !WORD.test(resource)) {
    throw new TemplateError(
      'DECISION_SETTINGS_INVALID',
      'there is a problem with the apiVersion, kind or resourceName provided',
      { hint: 'apiVersion is group/version, and kind the plural name of the resource in small letters' },
    )
  }
  return { group, version, resource, statusListKey: text('statusListKey') || 'clusters', matchKey: text('matchKey') }
}

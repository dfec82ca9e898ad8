import { compileGlob } from '../glob/glob.ts'

/**
 * What decides about everybody in a namespace, or about how policies see it: who may deploy one Application into it may
 * not change that (GHSA-864g-863m-vcvq is what comes of it otherwise).
 */
const RESERVED: readonly string[] = [
  'pod-security.kubernetes.io/*',
  'kubernetes.io/metadata.name',
  'admission.gatekeeper.sh/*',
  '*.kyverno.io/*',
  'policies.kyverno.io/*',
  'kubewarden.io/*',
  '*.kubewarden.io/*',
  'policy.open-cluster-management.io/*',
  'security.openshift.io/*',
  'openshift.io/sa.scc.*',
  'scheduler.alpha.kubernetes.io/*',
  'field.cattle.io/*',
  'flotilla.dev/*',
  'argocd.argoproj.io/*',
  'applyset.kubernetes.io/*',
]

/**
 * The labels and annotations of `managedNamespaceMetadata` that an Application may not set.
 *
 * @param allowed Globs that the Project lets through.
 * @returns keys, sorted, each once.
 */
export function forbiddenNamespaceMetadata(
  metadata: {
    readonly labels?: { readonly [key: string]: string }
    readonly annotations?: { readonly [key: string]: string }
  },
  allowed: readonly string[],
): readonly string[] {
  const keys = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})]
  const reserved = keys.filter(key => matchesAny(RESERVED, key) && !matchesAny(allowed, key))
  return [...new Set(reserved)].sort()
}

function matchesAny(patterns: readonly string[], key: string): boolean {
  return patterns.some(pattern => {
    try {
      return compileGlob(pattern, '')(key)
    } catch {
      return false
    }
  })
}

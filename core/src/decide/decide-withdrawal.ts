import type { Application } from '../model/application.ts'

const FINALIZER = 'resources-finalizer.argocd.argoproj.io'

/**
 * What becomes of the objects of an Application that is withdrawn. Under `argoproj.io` the finalizer decides, as in
 * Argo CD; our own kind says `deletion: prune | detach`, prune by default.
 */
export function withdrawalPolicy(application: Application): 'prune' | 'detach' {
  if (application.apiVersion.startsWith('argoproj.io/')) {
    return (application.metadata.finalizers ?? []).some(isResourcesFinalizer) ? 'prune' : 'detach'
  }
  return application.spec.deletion ?? 'prune'
}

/**
 * The finalizers with which an Application is removed: without the one for its resources when its destination is not
 * known, because nobody is there who could finish that (applicationsets.md 11.3).
 */
export function finalizersForRemoval(finalizers: readonly string[], destinationKnown: boolean): readonly string[] {
  return destinationKnown ? finalizers : finalizers.filter(name => !isResourcesFinalizer(name))
}

function isResourcesFinalizer(name: string): boolean {
  return name === FINALIZER || name.startsWith(`${FINALIZER}/`)
}

/** Whether a set may update and delete what it generated (`syncPolicy.applicationsSync`; absent: `sync`). */
export function setPolicy(applicationsSync: string | undefined): {
  readonly update: boolean
  readonly remove: boolean
} {
  switch (applicationsSync) {
    case 'create-only':
      return { update: false, remove: false }
    case 'create-update':
      return { update: true, remove: false }
    case 'create-delete':
      return { update: false, remove: true }
    default:
      return { update: true, remove: true }
  }
}

import type { Application } from '../model/application.ts'

const FINALIZER = 'resources-finalizer.argocd.argoproj.io'

/**
 * What becomes of the objects of an Application that is withdrawn. Under `argoproj.io` the finalizer decides, as in
 * Argo CD; our own kind says `deletion: prune | detach`, prune by default.
 */
export function withdrawalPolicy(application: Application): 'prune' | 'detach' {
  if (application.apiVersion.startsWith('argoproj.io/')) {
    const finalizers = application.metadata.finalizers ?? []
    return finalizers.some(name => name === FINALIZER || name.startsWith(`${FINALIZER}/`)) ? 'prune' : 'detach'
  }
  return application.spec.deletion ?? 'prune'
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

import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import type { Path, Problem } from '../problem.ts'

/** What an annotation that Argo CD reads means here. */
type Meaning =
  /** It means the same, or is data that is shown. */
  | { readonly kind: 'kept' }
  /** It changes nothing, and nobody loses anything by that. */
  | { readonly kind: 'needless'; readonly because: string }
  /** It changes nothing, and that may surprise. */
  | { readonly kind: 'refused'; readonly because: string; readonly instead: string }

const KEPT: Meaning = { kind: 'kept' }

/** On Applications; of Argo CD itself, and of its companions in wide use. */
const APPLICATION: { readonly [name: string]: Meaning } = {
  'argocd.argoproj.io/skip-reconcile': KEPT,
  'argocd.argoproj.io/tracking-id': KEPT,
  'argocd.argoproj.io/installation-id': KEPT,
  'argocd.argoproj.io/manifest-generate-paths': {
    kind: 'needless',
    because: 'the hub knows which paths an Application reads',
  },
  'argocd.argoproj.io/refresh': {
    kind: 'refused',
    because: 'a declaration cannot ask for one look',
    instead: 'flotilla source refresh, or a webhook of the repository',
  },
  'argocd.argoproj.io/hydrate': {
    kind: 'refused',
    because: 'a declaration cannot ask for one look',
    instead: 'flotilla source refresh, or a webhook of the repository',
  },
  'argocd.argoproj.io/sync-wave': {
    kind: 'refused',
    because: 'Applications do not wait for one another; waves order the objects inside each',
    instead: 'put objects that must wait for others into one Application',
  },
  'argocd.argoproj.io/hook': {
    kind: 'refused',
    because: 'an Application is no hook of another',
    instead: 'make a Job the hook',
  },
  'argocd.argoproj.io/sync-options': {
    kind: 'refused',
    because: 'on an Application it means its document, which no cluster holds here',
    instead: 'spec.syncPolicy.syncOptions',
  },
  'argocd.argoproj.io/compare-options': {
    kind: 'refused',
    because: 'on an Application it means its document, which no cluster holds here',
    instead: 'spec.ignoreDifferences, or the annotation on the objects themselves',
  },
}

const SET: { readonly [name: string]: Meaning } = {
  'argocd.argoproj.io/tracking-id': KEPT,
  'argocd.argoproj.io/installation-id': KEPT,
  'argocd.argoproj.io/sync-wave': {
    kind: 'refused',
    because: 'sets do not wait for one another; waves order the objects inside an Application',
    instead: 'put objects that must wait for others into one Application',
  },
  'argocd.argoproj.io/sync-options': {
    kind: 'refused',
    because: 'on a set it means its document, which no cluster holds here',
    instead: 'spec.template.spec.syncPolicy.syncOptions',
  },
  'argocd.argoproj.io/application-set-refresh': {
    kind: 'refused',
    because: 'a declaration cannot ask for one look',
    instead: 'flotilla source refresh, or a webhook of the repository',
  },
}

/** By the part before the slash. */
const GROUPS: { readonly [prefix: string]: Meaning } = {
  'link.argocd.argoproj.io': KEPT,
  'pref.argocd.argoproj.io': { kind: 'needless', because: "it is about Argo CD's own pages" },
  'notified.notifications.argoproj.io': { kind: 'needless', because: "it is Argo CD's own note" },
  'notifications.argoproj.io': {
    kind: 'refused',
    because: 'subscriptions are not read',
    instead: 'a NotificationRoute says who is told of what',
  },
  'argocd-image-updater.argoproj.io': {
    kind: 'refused',
    because: 'images are what Git says',
    instead: 'let the image updater write to Git, and remove the annotations',
  },
}

/**
 * Says of each of Argo CD's annotations that is not kept what becomes of it (decision 24): by name, because an
 * annotation that silently does nothing is believed in.
 *
 * @param path Of the annotations in the document.
 */
export function argoAnnotationProblems(
  annotations: unknown,
  path: Path,
  of: 'Application' | 'ApplicationSet',
): readonly Problem[] {
  if (!isJsonObject(annotations as JsonObject)) return []
  const known = of === 'Application' ? APPLICATION : SET
  return Object.keys(annotations as JsonObject).flatMap((name): Problem[] => {
    // Of a template, and nobody knows yet what becomes of it.
    if (name.includes('{{')) return []
    const prefix = name.slice(0, Math.max(0, name.indexOf('/')))
    const meaning = Object.hasOwn(known, name)
      ? known[name]
      : Object.hasOwn(GROUPS, prefix)
        ? GROUPS[prefix]
        : undefined
    if (meaning === undefined && prefix !== 'argocd.argoproj.io') return []
    if (meaning?.kind === 'kept') return []
    const problem = {
      code: 'ANNOTATION_WITHOUT_EFFECT',
      severity: 'warning',
      path: [...path, name],
      at: 'key',
    } as const
    if (meaning === undefined) {
      const near = nearest(name, Object.keys(known))
      const hint = near === undefined ? 'remove it' : `did you mean ${near}?`
      return [{ ...problem, message: `${name} is not known on an ${of}, and has no effect`, hint }]
    }
    if (meaning.kind === 'needless') return [{ ...problem, message: `${name} is not needed: ${meaning.because}` }]
    return [{ ...problem, message: `${name} has no effect: ${meaning.because}`, hint: `instead: ${meaning.instead}` }]
  })
}

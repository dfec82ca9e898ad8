import { parseGoDuration } from '../gates/go-duration.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { nearest } from '../text/nearest.ts'

/** When a hook runs. The last two belong to an Application's removal. */
export const HOOK_PHASES = ['PreSync', 'Sync', 'PostSync', 'SyncFail', 'PreDelete', 'PostDelete'] as const
export type HookPhase = (typeof HOOK_PHASES)[number]

const DELETE_POLICIES = ['HookSucceeded', 'HookFailed', 'BeforeHookCreation'] as const
export type HookDeletePolicy = (typeof DELETE_POLICIES)[number]

/** Keeps a finished Job in the cluster until its result was read, whatever deletes it meanwhile. */
export const HOOK_FINALIZER = 'flotilla.dev/hook-finalizer'
/** Which run of which operation made the object: `<operation>/<phase>/<attempt>`. */
export const HOOK_RUN_ANNOTATION = 'flotilla.dev/hook-run'

/** An object that is made to do something at a moment of a sync, and counts neither as synced nor as healthy. */
export interface Hook {
  /** Empty: a hook of no phase (`Skip`, Helm's tests), neither applied nor pruned. */
  readonly phases: readonly HookPhase[]
  readonly deletePolicies: readonly HookDeletePolicy[]
  /** When `HookSucceeded` deletes: at the end of the whole sync, as in Argo CD, or of the hook's phase. */
  readonly deleteAt: 'sync' | 'phase'
  /** How long one run may take; absent: as long as the operation. */
  readonly timeoutMs?: number
  /** Runs after a failed one. */
  readonly retries: number
  /** A retry of the operation runs it again although it succeeded. */
  readonly rerunOnRetry: boolean
}

/** Helm's words; those without a phase of ours are hooks that never run. */
const HELM_PHASES: { readonly [word: string]: HookPhase | null } = {
  'pre-install': 'PreSync',
  'pre-upgrade': 'PreSync',
  'post-install': 'PostSync',
  'post-upgrade': 'PostSync',
  'pre-delete': 'PreDelete',
  'post-delete': 'PostDelete',
  'pre-rollback': null,
  'post-rollback': null,
  test: null,
  'test-success': null,
  'test-failure': null,
}

const HELM_POLICIES: { readonly [word: string]: HookDeletePolicy } = {
  'hook-succeeded': 'HookSucceeded',
  'hook-failed': 'HookFailed',
  'before-hook-creation': 'BeforeHookCreation',
}

/**
 * Reads whether an object is a hook, and what kind of one. A word that nobody knows is a mistake that is told, not a
 * hook that silently never runs.
 *
 * @example
 * readHook({ apiVersion: 'batch/v1', kind: 'Job', metadata: { annotations: { 'helm.sh/hook': 'pre-install' } } }).hook?.phases // => ['PreSync']
 */
export function readHook(object: KubernetesObject): { readonly hook?: Hook; readonly problems: readonly string[] } {
  const problems: string[] = []
  const phases = readPhases(object, problems)
  if (!phases) return { problems }
  const timeout = annotation(object, 'flotilla.dev/hook-timeout')
  const timeoutMs = timeout === undefined ? undefined : parseGoDuration(timeout)
  if (timeout !== undefined && !(timeoutMs !== undefined && timeoutMs > 0)) {
    problems.push(`hook-timeout "${timeout}" is no duration such as 5m`)
  }
  const hook: Hook = {
    phases,
    deletePolicies: readPolicies(object, problems),
    deleteAt: oneOf(object, 'flotilla.dev/hook-delete-at', ['sync', 'phase'], problems) === 'phase' ? 'phase' : 'sync',
    ...(timeoutMs !== undefined && timeoutMs > 0 ? { timeoutMs } : {}),
    retries: readRetries(object, problems),
    rerunOnRetry: oneOf(object, 'flotilla.dev/hook-rerun-on-retry', ['true', 'false'], problems) === 'true',
  }
  return { hook, problems }
}

function readPhases(object: KubernetesObject, problems: string[]): readonly HookPhase[] | undefined {
  const own = annotation(object, 'flotilla.dev/hook') ?? annotation(object, 'argocd.argoproj.io/hook')
  if (own !== undefined) {
    const words = wordsOf(own)
    for (const word of words) {
      if (!isIn(HOOK_PHASES, word) && word !== 'Skip')
        problems.push(unknownWord('hook', word, [...HOOK_PHASES, 'Skip']))
    }
    if (words.length === 0) problems.push('hook names no phase')
    return HOOK_PHASES.filter(phase => words.includes(phase))
  }
  const helm = annotation(object, 'helm.sh/hook')
  if (helm === undefined) return undefined
  const words = wordsOf(helm)
  // Helm's second version knows the word no more; the object is an ordinary one.
  if (words.includes('crd-install')) return undefined
  for (const word of words) {
    if (!Object.hasOwn(HELM_PHASES, word)) problems.push(unknownWord('helm.sh/hook', word, Object.keys(HELM_PHASES)))
  }
  return HOOK_PHASES.filter(phase =>
    words.some(word => Object.hasOwn(HELM_PHASES, word) && HELM_PHASES[word] === phase),
  )
}

function readPolicies(object: KubernetesObject, problems: string[]): readonly HookDeletePolicy[] {
  const own =
    annotation(object, 'flotilla.dev/hook-delete-policy') ?? annotation(object, 'argocd.argoproj.io/hook-delete-policy')
  const words = wordsOf(own ?? annotation(object, 'helm.sh/hook-delete-policy') ?? '')
  const found = new Set<HookDeletePolicy>()
  for (const word of words) {
    const policy = isIn(DELETE_POLICIES, word)
      ? word
      : Object.hasOwn(HELM_POLICIES, word)
        ? HELM_POLICIES[word]
        : undefined
    if (policy) found.add(policy)
    else problems.push(unknownWord('hook-delete-policy', word, [...DELETE_POLICIES, ...Object.keys(HELM_POLICIES)]))
  }
  return found.size === 0 ? ['BeforeHookCreation'] : DELETE_POLICIES.filter(policy => found.has(policy))
}

const MOST_RETRIES = 100

function readRetries(object: KubernetesObject, problems: string[]): number {
  const text = annotation(object, 'flotilla.dev/hook-retries')
  if (text === undefined) return 0
  if (/^\d{1,3}$/.test(text) && Number(text) <= MOST_RETRIES) return Number(text)
  problems.push(`hook-retries "${text}" is no number from 0 to ${MOST_RETRIES}`)
  return 0
}

function oneOf(
  object: KubernetesObject,
  name: string,
  words: readonly string[],
  problems: string[],
): string | undefined {
  const text = annotation(object, name)
  if (text !== undefined && !words.includes(text))
    problems.push(unknownWord(name.slice('flotilla.dev/'.length), text, words))
  return text
}

function unknownWord(what: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return `${what} "${word}" is not known${near ? `; did you mean "${near}"?` : ''}`
}

function wordsOf(text: string): readonly string[] {
  return text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
}

function isIn<Word extends string>(words: readonly Word[], word: string): word is Word {
  return (words as readonly string[]).includes(word)
}

function annotation(object: KubernetesObject, name: string): string | undefined {
  const annotations = object.metadata.annotations
  return annotations && Object.hasOwn(annotations, name) ? annotations[name] : undefined
}

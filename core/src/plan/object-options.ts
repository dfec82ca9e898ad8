import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { nearest } from '../text/nearest.ts'
import { type Hook, readHook } from './read-hook.ts'
import type { PlanProblem } from './sync-plan.ts'

/** What an object's own annotations ask for. Argo CD's spelling and ours mean the same; ours wins. */
export interface ObjectOptions {
  readonly wave: number
  /** Undefined for an ordinary object. */
  readonly hook?: Hook
  /** Undefined: as its Application says, like `deletion`. */
  readonly prune?: 'yes' | 'no' | 'confirm'
  readonly pruneLast?: boolean
  readonly deletion?: 'yes' | 'no' | 'confirm'
  readonly validate?: boolean
  readonly replace?: boolean
  readonly force?: boolean
  /** Kinds that hold everything else may be deleted and created again as well. */
  readonly recreate?: 'allow'
  /** Made when it is not there, and left alone from then on. */
  readonly createOnly?: boolean
  readonly takeOverKubectl?: boolean
  /** That it is to go makes its Application no less Synced. */
  readonly ignoreExtraneous?: boolean
}

type Problem = Pick<PlanProblem, 'severity' | 'code' | 'message'>

type Draft = { -readonly [Key in keyof ObjectOptions]: ObjectOptions[Key] }

/** By option, then by value. A value that is not here is refused. */
const OPTIONS: {
  readonly [name: string]: { readonly [value: string]: ((draft: Draft) => void) | 'ineffective' }
} = {
  Prune: {
    true: draft => set(draft, 'prune', 'yes'),
    false: draft => set(draft, 'prune', 'no'),
    confirm: draft => set(draft, 'prune', 'confirm'),
  },
  PruneLast: { true: draft => set(draft, 'pruneLast', true), false: draft => set(draft, 'pruneLast', false) },
  Delete: {
    true: draft => set(draft, 'deletion', 'yes'),
    false: draft => set(draft, 'deletion', 'no'),
    confirm: draft => set(draft, 'deletion', 'confirm'),
  },
  Validate: { true: draft => set(draft, 'validate', true), false: draft => set(draft, 'validate', false) },
  // Server-side apply is the only writer, and asks for no dry run of what it does not know.
  ServerSideApply: { true: () => undefined, false: 'ineffective' },
  SkipDryRunOnMissingResource: { true: () => undefined, false: () => undefined },
  ClientSideApplyMigration: {
    true: draft => set(draft, 'takeOverKubectl', true),
    false: draft => set(draft, 'takeOverKubectl', false),
  },
  Replace: { true: draft => set(draft, 'replace', true), false: draft => set(draft, 'replace', false) },
  Force: { true: draft => set(draft, 'force', true), false: draft => set(draft, 'force', false) },
  Recreate: { allow: draft => set(draft, 'recreate', 'allow') },
  IfNotPresent: { true: draft => set(draft, 'createOnly', true), false: draft => set(draft, 'createOnly', false) },
}

/**
 * Reads the annotations of a desired or live object.
 *
 * @example
 * readObjectOptions({ apiVersion: 'v1', kind: 'Pod', metadata: { annotations: { 'argocd.argoproj.io/sync-wave': '2' } } }).options.wave // => 2
 */
export function readObjectOptions(object: KubernetesObject): {
  readonly options: ObjectOptions
  readonly problems: readonly Problem[]
} {
  const problems: Problem[] = []
  const { hook, problems: hookProblems } = readHook(object)
  for (const message of hookProblems) problems.push({ severity: 'error', code: 'HOOK_INVALID', message })
  const draft: Draft = { wave: readWave(object, problems), ...(hook ? { hook } : {}) }
  if (annotation(object, 'helm.sh/resource-policy') === 'keep') {
    draft.prune = 'no'
    draft.deletion = 'no'
  }
  // Flux' word for the same.
  if (annotation(object, 'kustomize.toolkit.fluxcd.io/ssa') === 'IfNotPresent') draft.createOnly = true
  const text = [argoAnnotation(object, 'sync-options'), annotation(object, 'flotilla.dev/sync-options')]
  for (const part of text.flatMap(list => (list ?? '').split(',')).map(piece => piece.trim())) {
    const problem = part === '' ? undefined : readOption(draft, part)
    if (problem) problems.push(problem)
  }
  const compare = [argoAnnotation(object, 'compare-options'), annotation(object, 'flotilla.dev/compare-options')]
  for (const part of compare.flatMap(list => (list ?? '').split(',')).map(piece => piece.trim())) {
    const problem = part === '' ? undefined : readCompareOption(draft, part)
    if (problem) problems.push(problem)
  }
  return { options: draft, problems }
}

/** A dry run by the server is how everything is compared, and what webhooks change in it is no drift. */
function readCompareOption(draft: Draft, part: string): Problem | undefined {
  if (part === 'IgnoreExtraneous' || part === 'IgnoreExtraneous=true') set(draft, 'ignoreExtraneous', true)
  else if (/^(ServerSideDiff|IncludeMutationWebhook)=(true|false)$/.test(part)) {
    if (part === 'ServerSideDiff=true' || part === 'IncludeMutationWebhook=false') return undefined
    const message = `compare option ${part} has no effect: the server is always asked, and what webhooks change is no drift`
    return { severity: 'warning', code: 'UNSUPPORTED_OPTION', message }
  } else if (part !== 'IgnoreExtraneous=false') {
    const near = nearest(part, COMPARE_OPTIONS)
    const hint = near ? `; did you mean "${near}"?` : ''
    return { severity: 'warning', code: 'UNKNOWN_OPTION', message: `unknown compare option "${part}"${hint}` }
  }
  return undefined
}

const COMPARE_OPTIONS = ['IgnoreExtraneous', 'ServerSideDiff=true', 'IncludeMutationWebhook=true']

function readOption(draft: Draft, part: string): Problem | undefined {
  const [name = '', value = ''] = part.split('=', 2)
  const values = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
  if (!values) {
    const near = nearest(name, Object.keys(OPTIONS))
    const hint = near ? `; did you mean "${near}"?` : ''
    return { severity: 'warning', code: 'UNKNOWN_OPTION', message: `unknown sync option "${part}"${hint}` }
  }
  const effect = Object.hasOwn(values, value) ? values[value] : undefined
  if (typeof effect === 'function') {
    effect(draft)
    return undefined
  }
  if (effect === 'ineffective') {
    const message = `sync option ${part} has no effect: server-side apply is the only writer`
    return { severity: 'warning', code: 'UNSUPPORTED_OPTION', message }
  }
  return { severity: 'error', code: 'UNKNOWN_OPTION', message: `sync option ${name} may not be "${value}"` }
}

function readWave(object: KubernetesObject, problems: Problem[]): number {
  const text = annotation(object, 'flotilla.dev/sync-wave') ?? argoAnnotation(object, 'sync-wave')
  const wave = integer(text)
  if (wave !== undefined) return wave
  const weight = integer(annotation(object, 'helm.sh/hook-weight')) ?? 0
  // As Argo CD does: what cannot be read does not count; unlike there, somebody is told.
  if (text !== undefined) {
    const message = `wave "${text}" is no integer; ${weight} is taken`
    problems.push({ severity: 'warning', code: 'WAVE_INVALID', message })
  }
  return weight
}

function integer(text: string | undefined): number | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) return undefined
  return Number(text) + 0
}

function argoAnnotation(object: KubernetesObject, name: string): string | undefined {
  return annotation(object, `argocd.argoproj.io/${name}`)
}

function annotation(object: KubernetesObject, name: string): string | undefined {
  const annotations = object.metadata.annotations
  return annotations && Object.hasOwn(annotations, name) ? annotations[name] : undefined
}

function set<Key extends keyof Draft>(draft: Draft, key: Key, value: Draft[Key]): void {
  draft[key] = value
}

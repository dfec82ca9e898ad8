import type { Application } from '../model/application.ts'
import type { SyncOptions } from '../protocol/documents.ts'
import { nearest } from '../text/nearest.ts'
import { type OnFailure, type ReadRun, RUN_OPTION_NAMES, readRetry, readRunOption } from './read-run-options.ts'
import type { RunOptions } from './run-options.ts'

export interface SyncOptionProblem {
  /** `hold`: the option cannot be done as asked. `warning`: accepted, with a difference that people should know. */
  readonly kind: 'hold' | 'warning'
  readonly message: string
  readonly hint?: string
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** What becomes of objects that do not say so themselves when their Application is removed. */
export type DeletionDefault = 'no' | 'confirm'

type Draft = Mutable<SyncOptions> & { deletion?: DeletionDefault }

/** Spellings are Argo CD's (docs/sync-options.md); each sets a field of ours. */
const OPTIONS: {
  readonly [name: string]: (options: Draft, value: string) => SyncOptionProblem | undefined
} = {
  CreateNamespace: flag('createNamespace'),
  PruneLast: flag('pruneLast'),
  ApplyOutOfSyncOnly: flag('applyOutOfSyncOnly'),
  FailOnSharedResource: flag('failOnSharedResource'),
  RespectIgnoreDifferences: flag('respectIgnoreDifferences'),
  Validate: flag('validate'),
  Replace: flag('replace'),
  Prune: (options, value) => {
    if (value === 'true') delete options.pruneDefault
    else if (value === 'false') options.pruneDefault = 'no'
    else if (value === 'confirm') options.pruneDefault = 'confirm'
    else return cannot('Prune', value)
  },
  PrunePropagationPolicy: (options, value) => {
    if (value === 'foreground' || value === 'background' || value === 'orphan') options.prunePropagation = value
    else return cannot('PrunePropagationPolicy', value)
  },
  ServerSideApply: (_options, value) =>
    value === 'false'
      ? { kind: 'warning', message: 'ServerSideApply=false has no effect: server-side apply is the only writer' }
      : undefined,
  ClientSideApplyMigration: (options, value) => {
    if (value !== 'true' && value !== 'false') return cannot('ClientSideApplyMigration', value)
    if (value === 'false') options.takeOverKubectl = false
  },
  SkipDryRunOnMissingResource: () => undefined,
  ServerSideDiff: () => undefined,
  Delete: (options, value) => {
    if (value === 'true') delete options.deletion
    else if (value === 'false') options.deletion = 'no'
    else if (value === 'confirm') options.deletion = 'confirm'
    else return cannot('Delete', value)
  },
  Force: (options, value) => {
    if (value !== 'true' && value !== 'false') return cannot('Force', value)
    if (value === 'true') options.force = true
  },
  Conflicts: (options, value) => {
    if (value !== 'force' && value !== 'fail') return cannot('Conflicts', value)
    if (value === 'fail') options.conflicts = 'fail'
  },
  MaxPrune: (options, value) => {
    const [, number = '', percent] = /^(\d{1,6})(%?)$/.exec(value) ?? []
    if (number === '' || (percent === '%' && Number(number) > 100)) return cannot('MaxPrune', value)
    options.maxPrune = percent === '%' ? { percent: Number(number) } : { count: Number(number) }
  },
  Adopt: (options, value) => {
    if (value !== 'Force' && value !== 'IfUnowned' && value !== 'Never') return cannot('Adopt', value)
    options.adopt = value
  },
}

type Flag =
  | 'createNamespace'
  | 'pruneLast'
  | 'applyOutOfSyncOnly'
  | 'failOnSharedResource'
  | 'respectIgnoreDifferences'
  | 'validate'
  | 'replace'

function flag(field: Flag) {
  return (options: Draft, value: string): SyncOptionProblem | undefined => {
    if (value !== 'true' && value !== 'false')
      return { kind: 'hold', message: `sync option value "${value}" is neither true nor false` }
    options[field] = value === 'true'
    return undefined
  }
}

function cannot(name: string, value: string): SyncOptionProblem {
  return {
    kind: 'hold',
    message: `sync option ${name} may not be "${value}"`,
    hint: 'sync-options.md lists what each option may be',
  }
}

/**
 * Reads an Application's sync policy into the options that its Offer carries.
 *
 * Unknown options are refused with the nearest known one: Argo CD ignores them silently, and a mistyped
 * `CreateNamespac=true` then looks like a broken cluster.
 */
export function readSyncOptions(application: Application): {
  readonly options: SyncOptions
  /** How it is run, as far as that is not as usual. */
  readonly run: Partial<RunOptions>
  readonly onFailure?: OnFailure
  /** `Delete=false` and `Delete=confirm`: its Tombstone carries it. Absent: objects go. */
  readonly deletion?: DeletionDefault
  readonly problems: readonly SyncOptionProblem[]
} {
  const policy = application.spec.syncPolicy ?? {}
  const automated = isAutomated(application) ? policy.automated : undefined
  const draft: Draft = {
    createNamespace: false,
    prune: automated?.prune ?? false,
    selfHeal: automated?.selfHeal ?? false,
    allowEmpty: automated?.allowEmpty ?? false,
    pruneLast: false,
    prunePropagation: 'foreground',
    applyOutOfSyncOnly: false,
    failOnSharedResource: false,
    // Ours: an ignored difference is left alone when applying, too (docs/sync-options.md).
    respectIgnoreDifferences: true,
    validate: true,
    replace: false,
    adopt: 'IfUnowned',
  }
  const { labels, annotations } = policy.managedNamespaceMetadata ?? {}
  if (labels) draft.namespaceLabels = labels
  if (annotations) draft.namespaceAnnotations = annotations
  const problems: SyncOptionProblem[] = []
  const howRun: ReadRun = { run: {} }
  readRetry(howRun, policy.retry)
  for (const text of policy.syncOptions ?? []) {
    for (const part of text.split(',').map(piece => piece.trim())) {
      if (part === '') continue
      const equals = part.indexOf('=')
      const name = equals < 0 ? part : part.slice(0, equals)
      const value = equals < 0 ? '' : part.slice(equals + 1)
      if (RUN_OPTION_NAMES.includes(name)) {
        const wanted = readRunOption(howRun, name, value)
        if (wanted)
          problems.push({
            kind: 'hold',
            message: `sync option ${name} may not be "${value}"`,
            hint: `it may be ${wanted}`,
          })
        continue
      }
      const read = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
      const near = read ? undefined : nearest(name, [...Object.keys(OPTIONS), ...RUN_OPTION_NAMES])
      const problem = read
        ? read(draft, value)
        : { kind: 'hold' as const, message: `unknown sync option "${name}"`, hint: near && `did you mean "${near}"?` }
      if (problem) problems.push(problem)
    }
  }
  const { run, onFailure } = howRun
  const { deletion, ...options } = draft
  return { options, problems, run, ...(onFailure ? { onFailure } : {}), ...(deletion ? { deletion } : {}) }
}

/** Argo CD's rule: an `automated` block is there and does not say `enabled: false`. */
export function isAutomated(application: Application): boolean {
  const automated = application.spec.syncPolicy?.automated
  return automated !== undefined && automated !== null && automated.enabled !== false
}

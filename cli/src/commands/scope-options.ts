import type { JsonObject } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import { usageError } from '../errors.ts'

/** Whom something is for, as options: AND between them, OR inside one that is repeated. */
export interface ScopeOptions {
  readonly all?: boolean
  readonly project?: readonly string[]
  readonly set?: readonly string[]
  readonly app?: readonly string[]
  readonly selector?: string
  readonly cluster?: readonly string[]
  readonly clusterSelector?: string
  readonly namespace?: readonly string[]
  readonly environment?: readonly string[]
}

export function withScope(command: Command): Command {
  const collect = (value: string, previous: readonly string[] = []) => [...previous, ...value.split(',')]
  return command
    .option('--all', 'everything')
    .option('--project <glob>', 'of these Projects; may be repeated', collect)
    .option('--set <glob>', 'of these ApplicationSets; may be repeated', collect)
    .option('--app <glob>', 'these Applications; may be repeated', collect)
    .option('-l, --selector <labels>', 'Applications with these labels: tier in (gold,silver)')
    .option('--cluster <glob>', 'in these clusters; may be repeated', collect)
    .option('--cluster-selector <labels>', 'in clusters with these labels: env=prod')
    .option('--namespace <glob>', 'in these namespaces; may be repeated', collect)
    .option('--environment <glob>', 'in these environments; may be repeated', collect)
}

/** The scope that they say; undefined when they say none. @throws CliError */
export function scopeOf(options: ScopeOptions): JsonObject | undefined {
  const { project, set, app, selector, cluster, clusterSelector, namespace, environment } = options
  const parts: JsonObject = {
    ...(project && { projects: project }),
    ...(set && { sets: set }),
    ...((app ?? selector) !== undefined && {
      applications: { ...(app && { names: app }), ...(selector !== undefined && { selector }) },
    }),
    ...((cluster ?? clusterSelector) !== undefined && {
      clusters: {
        ...(cluster && { names: cluster }),
        ...(clusterSelector !== undefined && { selector: clusterSelector }),
      },
    }),
    ...(namespace && { namespaces: namespace }),
    ...(environment && { environments: environment }),
  }
  const some = Object.keys(parts).length > 0
  if (options.all === true && some) throw usageError('--all goes with no other part of a scope')
  if (options.all === true) return { all: true }
  return some ? parts : undefined
}

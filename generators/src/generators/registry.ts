import type { ApiGroup } from '@flotilla/core/model/application'
import { clusterDecisionResource } from './cluster-decision-resource.ts'
import { clusters } from './clusters.ts'
import type { GeneratorRegistry } from './generator.ts'
import { git } from './git.ts'
import { list } from './list.ts'
import { matrix } from './matrix.ts'
import { merge } from './merge.ts'
import { plugin } from './plugin.ts'
import { pullRequest } from './pull-request.ts'
import { scmProvider } from './scm-provider.ts'
import { union } from './union.ts'

/**
 * Every generator of Argo CD by its key, in the order in which several of one entry run. One without `generate` is
 * known and not built yet.
 */
export const GENERATORS: GeneratorRegistry = new Map(
  [list, clusters, git, scmProvider, clusterDecisionResource, pullRequest, matrix, merge, plugin].map(generator => [
    generator.key,
    generator,
  ]),
)

/** Those and our own, which come last. */
export const OUR_GENERATORS: GeneratorRegistry = new Map([...GENERATORS, [union.key, union]])

/** The generators that documents of an API group may use. */
export function generatorsFor(group: ApiGroup): GeneratorRegistry {
  return group === 'argoproj.io' ? GENERATORS : OUR_GENERATORS
}

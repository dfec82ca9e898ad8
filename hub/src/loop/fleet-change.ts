import { holdsGenerator } from '@flotilla/generators/holds-generator'
import { projectOfSet } from '@flotilla/generators/set-project'
import { literalProjectOf } from './check-signatures.ts'
import type { FleetChange, FleetIndex } from './fleet-index.ts'
import { documentKeyOf } from './keys.ts'
import type { World } from './world.ts'

/** What is to be looked at when another fleet is in force; the documents' own claims are made already. */
export function keysOfChange(before: FleetIndex, change: FleetChange, world: World): readonly string[] {
  const index = world.fleet
  const clusters = change.clusters.length > 0
  // Generators see Clusters, and the git generator whether its Project is declared.
  const projects = change.projects.some(name => before.projects.has(name) !== index.projects.has(name))
  const signatures = signatureText(before) !== signatureText(index)
  const changedProjects = new Set(change.projects)
  const sets = [...index.sets].flatMap(([key, set]) => {
    const { generators } = set.spec
    // A set that carries a Project sees what that permits.
    const carried = changedProjects.has(projectOfSet(set) ?? '')
    const holds = (generator: string): boolean => holdsGenerator(generator, generators)
    return carried ||
      (signatures && holds('git')) ||
      (holds('git') && changedProjects.has(literalProjectOf(set) ?? '')) ||
      (clusters && (holds('clusters') || holds('clusterDecisionResource'))) ||
      (projects && holds('git'))
      ? [key]
      : []
  })
  const bound = clusters ? boundFor(change.clusters, world) : []
  const permitted = change.projects.flatMap(name => world.idsOf('project', name))
  const gates =
    JSON.stringify(before.unsupportedGates) !== JSON.stringify(index.unsupportedGates) ||
    JSON.stringify(before.customizations) !== JSON.stringify(index.customizations) ||
    signatures
  const ids = gates ? [...world.applications()].map(({ id }) => id) : [...bound, ...permitted]
  const names = [...bound.flatMap(id => world.application(id)?.name ?? []), ...unclaimedNames(world)]
  return [
    ...change.clusters.map(name => `cluster/${name}`),
    ...[...change.sets, ...sets].map(key => `set/${key}`),
    ...ids.map(id => `application/${id}`),
    ...names.map(name => `names/${name}`),
  ]
}

/** Everything that says who has to sign, and with which keys, besides Projects. */
function signatureText({ signingKeys, repositorySignatures }: FleetIndex): string {
  return JSON.stringify([signingKeys, [...repositorySignatures]])
}

/** Applications that these Clusters concern: bound for one, or for none that is known. */
function boundFor(clusters: readonly string[], world: World): readonly string[] {
  const lost = [...world.applications()].filter(
    ({ hold }) => hold?.code === 'CLUSTER_UNKNOWN' || hold?.code === 'CLUSTER_REMOVED',
  )
  const bound = ['', ...clusters].flatMap(name => world.idsOf('cluster', name))
  return [...new Set([...bound, ...lost.map(({ id }) => id)])]
}

/** Names whose set or document is not declared (any more): nobody else would look at them. */
function* unclaimedNames(world: World): Iterable<string> {
  const { applications, sets } = world.fleet
  for (const row of world.applications()) {
    const declared = row.set === undefined ? applications.has(documentKeyOf(row)) : sets.has(`${row.source}/${row.set}`)
    if (!declared && row.state === 'active') yield row.name
  }
}

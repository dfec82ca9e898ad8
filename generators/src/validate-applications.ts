import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { missingNameMessage } from './build-application.ts'

export interface KnownCluster {
  readonly name: string
  readonly servers: readonly string[]
}

/** What a generated Application may refer to. */
export interface ValidationFacts {
  readonly projects: readonly string[]
  readonly clusters: readonly KnownCluster[]
}

/**
 * Argo CD's validation of what a set generated (applicationsets.md 10), with its messages: the first mistake of each
 * Application, by `namespace/name`. A name that occurs twice makes both invalid, since both have that key.
 *
 * This is the strict reading, for telling where ours differs: `expand` lets the first of a name stand, and a project or
 * cluster that does not exist holds the Application instead of hiding it.
 */
export function validateApplications(
  set: string,
  applications: readonly JsonObject[],
  facts: ValidationFacts,
): ReadonlyMap<string, string> {
  const mistakes = new Map<string, string>()
  const seen = new Set<string>()
  for (const application of applications) {
    const metadata = objectOf(application['metadata'])
    const name = textOf(metadata['name'])
    const namespace = textOf(metadata['namespace'])
    const mistake = mistakeOf(set, name, objectOf(application['spec']), facts, seen)
    seen.add(name)
    if (mistake !== undefined) mistakes.set(namespace === '' ? name : `${namespace}/${name}`, mistake)
  }
  return mistakes
}

function mistakeOf(
  set: string,
  name: string,
  spec: JsonObject,
  facts: ValidationFacts,
  seen: ReadonlySet<string>,
): string | undefined {
  if (name === '') return missingNameMessage(set)
  if (seen.has(name)) return `ApplicationSet ${set} contains applications with duplicate name: ${name}`
  const project = textOf(spec['project'])
  if (!facts.projects.includes(project)) return `application references project ${project} which does not exist`
  const destination = destinationMistake(objectOf(spec['destination']), facts.clusters)
  return destination === undefined ? undefined : `application destination spec is invalid: ${destination}`
}

function destinationMistake(destination: JsonObject, clusters: readonly KnownCluster[]): string | undefined {
  const name = textOf(destination['name'])
  const server = textOf(destination['server'])
  if (name !== '' && server !== '') {
    return `application destination can't have both name and server defined: ${name} ${server}`
  }
  if (name !== '') {
    const servers = clusters.filter(cluster => cluster.name === name).flatMap(cluster => cluster.servers)
    if (servers.length === 0) return `there are no clusters with this name: ${name}`
    if (servers.length > 1) return `there are ${servers.length} clusters with the same name: [${servers.join(' ')}]`
    return undefined
  }
  if (server === '') return 'Destination server missing from app spec'
  const known = clusters.some(cluster => cluster.servers.includes(server))
  return known ? undefined : `error getting cluster by server "${server}": cluster "${server}" not found`
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

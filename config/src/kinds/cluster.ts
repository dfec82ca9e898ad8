import type { JsonObject } from '@flotilla/core/json/json'
import type { ClusterSpec } from '@flotilla/core/model/fleet'
import { clusterDocument } from '../schema/cluster.ts'
import { type KindReader, listOf, member, nameOf, textOf } from './kind.ts'

function readCluster(document: JsonObject) {
  const spec = member(document, 'spec')
  const environment = textOf(spec['environment'])
  const project = textOf(spec['project'])
  const cluster: ClusterSpec = {
    ...(environment === undefined ? {} : { environment }),
    ...(project === undefined ? {} : { project }),
    timeZone: textOf(spec['timeZone']) ?? 'UTC',
    servers: listOf(spec['servers']) as readonly string[],
    local: spec['local'] === true,
  }
  return { name: nameOf(document), spec: cluster, problems: [] }
}

export const clusterReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'Cluster',
  kind: 'Cluster',
  group: 'flotilla.dev',
  schema: clusterDocument,
  read: readCluster,
}

import type { JsonObject } from '@flotilla/core/json/json'
import type { RepositorySpec } from '@flotilla/core/model/fleet'
import { parseDurationMs, repositoryDocument } from '../schema/repository.ts'
import { type KindReader, member, nameOf, textOf } from './kind.ts'

function readRepository(document: JsonObject) {
  const spec = member(document, 'spec')
  const credentials = textOf(spec['credentials'])
  const pollIntervalMs = parseDurationMs(textOf(spec['pollInterval']) ?? '')
  const repository: RepositorySpec = {
    url: textOf(spec['url']) ?? '',
    ...(credentials === undefined ? {} : { credentials }),
    ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
  }
  return { name: nameOf(document), spec: repository, problems: [] }
}

export const repositoryReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'Repository',
  kind: 'Repository',
  group: 'flotilla.dev',
  schema: repositoryDocument,
  read: readRepository,
}

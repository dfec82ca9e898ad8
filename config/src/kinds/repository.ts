import type { JsonObject } from '@flotilla/core/json/json'
import type { RepositorySpec } from '@flotilla/core/model/fleet'
import type { SignatureMode } from '@flotilla/core/project/source-integrity'
import { readKeyId } from '@flotilla/core/signature/key-id'
import type { Problem } from '../problem.ts'
import { parseDurationMs, repositoryDocument } from '../schema/repository.ts'
import { type KindReader, listOf, member, nameOf, textOf } from './kind.ts'

function readRepository(document: JsonObject) {
  const spec = member(document, 'spec')
  const credentials = textOf(spec['credentials'])
  const pollIntervalMs = parseDurationMs(textOf(spec['pollInterval']) ?? '')
  const written = member(spec, 'signatures')
  const keys = listOf(written['keys']).filter(one => typeof one === 'string')
  const mode = textOf(written['mode']) as 'none' | SignatureMode | undefined
  const repository: RepositorySpec = {
    url: textOf(spec['url']) ?? '',
    ...(credentials === undefined ? {} : { credentials }),
    ...(mode === undefined ? {} : { signatures: { mode, keys } }),
    ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
  }
  const problems = keys.flatMap((text, index): Problem[] => {
    const key = readKeyId(text)
    if (key.kind !== 'mistake') return []
    const path = ['spec', 'signatures', 'keys', index]
    return [{ code: 'INVALID_VALUE', severity: 'error', path, message: `"${text}" ${key.message}` }]
  })
  return { name: nameOf(document), spec: repository, problems }
}

export const repositoryReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'Repository',
  kind: 'Repository',
  group: 'flotilla.dev',
  schema: repositoryDocument,
  read: readRepository,
}

import type { JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { Path, Problem } from '../problem.ts'
import { applicationDocument, argoApplicationDocument } from '../schema/application.ts'
import { APPLICATION_ADDITIONS } from '../schema/application-spec.ts'
import { argoAnnotationProblems } from './argo-annotations.ts'
import { ignoreRuleProblems } from './ignore-rule-problems.ts'
import { type KindReader, listOf, member, nameOf } from './kind.ts'

function readApplication(document: JsonObject) {
  const spec = member(document, 'spec')
  const annotations = member(document, 'metadata')['annotations']
  const problems = [
    ...sourceProblems(spec, ['spec']),
    ...destinationProblems(spec, ['spec']),
    ...ignoreRuleProblems(spec, ['spec']),
    ...argoAnnotationProblems(annotations, ['metadata', 'annotations'], 'Application'),
  ]
  if (document['operation'] !== undefined) {
    problems.push({
      code: 'OPERATION_IGNORED',
      severity: 'warning',
      path: ['operation'],
      at: 'key',
      message: 'operation is ignored: a declaration cannot ask for one sync',
    })
  }
  return { name: nameOf(document), spec: { ...spec, project: spec['project'] || 'default' }, problems }
}

function sourceProblems(spec: JsonObject, path: Path): Problem[] {
  const several = listOf(spec['sources']).length > 0
  const one = spec['source'] !== undefined
  if (one && several) {
    const message = 'there are both source and sources; sources counts'
    return [{ code: 'BOTH_SOURCES', severity: 'warning', path: [...path, 'source'], at: 'key', message }]
  }
  if (one || several || spec['sourceHydrator'] !== undefined) return []
  const message = 'spec.source is missing'
  return [
    {
      code: 'MISSING_FIELD',
      severity: 'error',
      path: [...path, 'source'],
      at: 'key',
      message,
      hint: 'add source or sources',
    },
  ]
}

function destinationProblems(spec: JsonObject, path: Path): Problem[] {
  const { name, server } = member(spec, 'destination')
  const at: Path = [...path, 'destination']
  if (name && server) {
    const message = 'the destination has both name and server'
    return [
      { code: 'DESTINATION_AMBIGUOUS', severity: 'error', path: at, at: 'key', message, hint: 'keep one of them' },
    ]
  }
  if (name || server) return []
  const message = 'the destination names no cluster'
  return [{ code: 'MISSING_FIELD', severity: 'error', path: at, at: 'key', message, hint: 'add name or server' }]
}

function reader(group: ApiGroup): KindReader {
  return {
    apiVersion: `${group}/v1alpha1`,
    writtenKind: 'Application',
    kind: 'Application',
    group,
    schema: group === 'argoproj.io' ? argoApplicationDocument : applicationDocument,
    additions: group === 'argoproj.io' ? APPLICATION_ADDITIONS : undefined,
    read: readApplication,
  }
}

export const applicationReaders: readonly KindReader[] = [reader('flotilla.dev'), reader('argoproj.io')]

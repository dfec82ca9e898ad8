import type { JsonObject } from '@flotilla/core/json/json'
import { teamDocument } from '../schema/team.ts'
import { type KindReader, type KindReading, listOf, member, nameOf } from './kind.ts'

/** What a Team document says, with every list there. */
export interface TeamSpec {
  readonly users: readonly string[]
  readonly groups: readonly string[]
  readonly owns: readonly string[]
  readonly watches: readonly string[]
}

function readTeam(document: JsonObject): KindReading {
  const spec = member(document, 'spec')
  const members = member(spec, 'members')
  const read: TeamSpec = {
    users: texts(members, 'users'),
    groups: texts(members, 'groups'),
    owns: texts(member(spec, 'owns'), 'projects'),
    watches: texts(member(spec, 'watches'), 'projects'),
  }
  return { name: nameOf(document), spec: read, problems: [] }
}

function texts(value: JsonObject, key: string): readonly string[] {
  return listOf(value[key]).filter(one => typeof one === 'string')
}

export const teamReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'Team',
  kind: 'Team',
  group: 'flotilla.dev',
  schema: teamDocument,
  read: readTeam,
}

import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Preview } from '@flotilla/hub/preview/preview'
import { failure } from '../errors.ts'

/** A hub's answer as a preview. @throws CliError for an answer of another shape: say of a hub of another version. */
export function readPreviewJson(answer: JsonObject): Preview {
  const list = (member: string): readonly JsonObject[] => {
    const value = answer[member]
    if (!Array.isArray(value) || !value.every(isJsonObject)) throw odd(member)
    return value
  }
  const changes = (member: string): readonly JsonObject[] => {
    const items = list(member)
    for (const item of items) {
      const named = typeof item['name'] === 'string' && isJsonObject(item['provenance'])
      const differs = member === 'deleted' ? Array.isArray(item['manifests']) : isDiff(item['diff'])
      if (!named || !differs) throw odd(member)
    }
    return items
  }
  const { unchanged, cut } = answer
  if (typeof unchanged !== 'number') throw odd('unchanged')
  return {
    created: changes('created'),
    updated: changes('updated'),
    deleted: changes('deleted'),
    held: changes('held'),
    unchanged,
    diagnostics: list('diagnostics').map(({ new: isNew, ...diagnostic }) => ({ ...diagnostic, isNew: isNew === true })),
    ...(typeof cut === 'string' ? { cut } : {}),
  } as unknown as Preview
}

function isDiff(value: Json | undefined): boolean {
  return isJsonObject(value) && Array.isArray(value['fields']) && Array.isArray(value['manifests'])
}

function odd(member: string): Error {
  return failure(
    `the hub's answer has no "${member}" as this command knows it`,
    'command and hub may be of different versions',
  )
}

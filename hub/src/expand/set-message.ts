import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { Position } from '@flotilla/core/model/diagnostic'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Expansion } from '@flotilla/generators/expansion'
import { type GeneratorInputs, type InputAnswer, type InputRequest, inputKey } from '@flotilla/generators/inputs'

/** What of the inputs is data; the rest are functions, and what one thread remembers is of no use to another. */
const SENT = ['clusters', 'projects', 'projectSpecs', 'implicitLocalCluster', 'hosts'] as const

/** A set and what it may look at, without functions, so that it can be sent to another thread. */
export interface SetMessage {
  readonly set: Omit<Declared<ApplicationSetSpec>, 'positionOf' | 'placeWithin'>
  /** Where each node of the document stands, by its path as JSON. */
  readonly positions: ReadonlyMap<string, Position>
  readonly inputs: Pick<GeneratorInputs, (typeof SENT)[number]>
  readonly answers: ReadonlyMap<string, InputAnswer>
}

export type SetReply =
  /** `asked`: what it looked up, for whoever keeps a record of that. */
  | { readonly kind: 'expanded'; readonly expansion: Expansion; readonly asked: readonly InputRequest[] }
  /** A fault of ours: `expand` throws for nothing that a document may hold. */
  | { readonly kind: 'broken'; readonly message: string }

export function messageOf(
  set: Declared<ApplicationSetSpec>,
  inputs: GeneratorInputs,
  answers: ReadonlyMap<string, InputAnswer>,
): SetMessage {
  // Functions stay here; places within texts are asked of policies alone.
  const { positionOf, placeWithin: _, ...rest } = set
  const { clusters, projects, projectSpecs, implicitLocalCluster, hosts } = inputs
  const known = {
    clusters,
    projects,
    ...(projectSpecs && { projectSpecs }),
    ...(implicitLocalCluster !== undefined && { implicitLocalCluster }),
    ...(hosts && { hosts }),
  }
  return { set: rest, positions: positionsOf(set.document, positionOf), inputs: known, answers }
}

/** The other way round, in the other thread. */
export function setOf({ set, positions, inputs, answers }: SetMessage): {
  readonly set: Declared<ApplicationSetSpec>
  readonly inputs: GeneratorInputs
  readonly asked: ReadonlyMap<string, InputRequest>
} {
  const positionOf = (path: readonly (string | number)[]): Position => {
    for (let length = path.length; length >= 0; length--) {
      const position = positions.get(JSON.stringify(path.slice(0, length)))
      if (position !== undefined) return position
    }
    return set.position
  }
  const asked = new Map<string, InputRequest>()
  const answer = (request: InputRequest): InputAnswer | undefined => {
    const key = inputKey(request)
    asked.set(key, request)
    return answers.get(key)
  }
  return { set: { ...set, positionOf }, inputs: { ...inputs, answer }, asked }
}

/** Documents are bounded when they are read, so this is too. */
function positionsOf(document: Json, positionOf: Declared<unknown>['positionOf']): ReadonlyMap<string, Position> {
  const positions = new Map<string, Position>()
  const walk = (value: Json | undefined, path: readonly (string | number)[]): void => {
    positions.set(JSON.stringify(path), positionOf(path))
    if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item as Json, [...path, index])
    else if (isJsonObject(value)) for (const key of Object.keys(value)) walk(value[key], [...path, key])
  }
  walk(document, [])
  return positions
}

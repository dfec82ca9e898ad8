import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { expand } from '../src/expand.ts'
import { inputsOf } from './declared-set.ts'

/** The names of the Applications that a set becomes, in its order. */
export function expandedNames(
  set: Declared<ApplicationSetSpec>,
  inputs: Parameters<typeof inputsOf>[0] = {},
): readonly string[] {
  return expand(set, inputsOf(inputs)).applications.map(({ metadata }) => metadata.name)
}

import type { NumberNotation } from '../../go-text.ts'
import { builtins, type EngineFunction } from './builtins/builtins.ts'
import { SPRIG_FUNCTIONS } from './functions/index.ts'

const BY_NOTATION: { readonly [Notation in NumberNotation]: ReadonlyMap<string, EngineFunction> } = {
  go: allFunctions('go'),
  plain: allFunctions('plain'),
}

/** Every function that a template may call; sprig's shadow those of the language. */
export function engineFunctions(numbers: NumberNotation): ReadonlyMap<string, EngineFunction> {
  return BY_NOTATION[numbers]
}

function allFunctions(numbers: NumberNotation): ReadonlyMap<string, EngineFunction> {
  return new Map<string, EngineFunction>([...builtins(numbers), ...SPRIG_FUNCTIONS])
}

import type { EngineEnvironment } from '../../inputs.ts'
import type { GoValue } from './go-value.ts'

/** What Go's reflection lets pass for a parameter; the engine checks and converts before it calls. */
export type ParameterType =
  | 'any'
  | 'string'
  | 'bool'
  | 'int'
  | 'int64'
  | 'float64'
  /** `map[string]interface {}` and its like. */
  | 'map'
  /** `[]interface {}`, exactly as Go's reflection wants it. */
  | 'list'
  | 'time'
  | 'certificate'
  | 'version'

/** A function of a template, such as sprig's `upper`. */
export interface GoFunction {
  readonly parameters: readonly ParameterType[]
  /** Of all further arguments. */
  readonly variadic?: ParameterType
  /** Arguments as their types say: a string for `string`, a {@link GoInteger} for `int`, a number for `float64`. */
  call(args: readonly GoValue[], scope: FunctionScope): GoValue
  /** Another result each time: a set that uses it changes at every look, which people are warned of. */
  readonly repeatable?: false
  /** Changes a map that it is given (`set`); the engine then works on a copy of the parameters. */
  readonly mutates?: true
}

/** What a function may use besides its arguments. */
export interface FunctionScope {
  readonly environment: EngineEnvironment | undefined
  /** Counts work against the template's limit: characters or items produced. @throws when it is used up. */
  spend(amount: number): void
}

/** A function refuses its arguments; the engine adds `error calling NAME: ` and the place. */
export class GoFunctionError extends Error {
  override readonly name = 'GoFunctionError'
}

export type GoFunctions = ReadonlyMap<string, GoFunction>

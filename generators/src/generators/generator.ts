import type { JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { Trust } from '@flotilla/core/model/fleet'
import type { OutputMeter, TemplateEngine } from '../engines/engine.ts'
import type { ExpansionMemory } from '../expansion-memory.ts'
import type { Failure } from '../failure.ts'
import type { NumberNotation } from '../go-text.ts'
import type { GeneratorInputs, GitFilesRequest, InputAnswer, InputRequest, Parameters } from '../inputs.ts'

/** One kind of generator: the value of its key in a generator entry becomes parameter sets. */
export interface Generator {
  /** Its key in a generator entry. */
  readonly key: string
  /** Every field of its value, so that a loader can refuse the others. */
  readonly fields: readonly string[]
  /** Those of `fields` that Argo CD lacks: an entry under argoproj.io that holds one is refused. */
  readonly additions?: readonly string[]
  /**
   * How often its inputs are asked for again when `requeueAfterSeconds` is absent, in seconds or as the installation
   * says; undefined for a generator that is told of every change.
   */
  readonly defaultRequeueSeconds?: number | 'configured'
  /** Absent while the generator is known and not built: an entry that uses it is an error, and deletes nothing. */
  readonly generate?: Generate
}

/** Where a parameter set of a combinator comes from. */
export interface SetOrigin {
  /** Below the combinator's entry: `union.1`. */
  readonly generator: string
  /** Which of that generator's sets, from 0. */
  readonly element: number
}

export type Generate = (body: JsonObject, context: GeneratorContext) => Generated

export type Generated =
  | {
      readonly kind: 'sets'
      readonly sets: readonly Parameters[]
      /** Top-level keys whose lists a selector takes as one text, not item by item (applicationsets.md 7). */
      readonly opaque?: ReadonlySet<string>
      /** What a set was made of and is missing now is over, by the word of its provider: see `GeneratorOutcome`. */
      readonly authoritative?: boolean
      /** Of each set, which generator inside gave it, when only one did (`union`). */
      readonly origins?: readonly SetOrigin[]
    }
  /** An input has no answer yet; the request is noted. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'failed'; readonly failures: readonly Failure[] }

/** What a generator may look at. */
export interface GeneratorContext {
  readonly set: SetFacts
  readonly inputs: Pick<GeneratorInputs, 'clusters' | 'projects' | 'implicitLocalCluster' | 'hosts'>
  readonly engine: TemplateEngine
  readonly meter: OutputMeter
  readonly registry: GeneratorRegistry
  /** What earlier expansions of the same document made. */
  readonly memory?: ExpansionMemory
  /** How many combinators (matrix, merge, union) stand around this generator. */
  readonly depth: number
  /** What the generators before it in the matrices around it gave; absent where there are none. */
  readonly parent?: Parameters
  /** The answer, or undefined after noting that it is needed. */
  ask(request: InputRequest): InputAnswer | undefined
}

/** By key, in the order in which several generators of one entry run. */
export type GeneratorRegistry = ReadonlyMap<string, Generator>

export interface SetFacts {
  readonly name: string
  readonly group: ApiGroup
  /** `spec.project` of the set, or else `spec.template.spec.project`, before rendering. */
  readonly project: string
  /** What the set's config source may declare for. */
  readonly trust: Trust
  readonly numbers: NumberNotation
  readonly fileGlobs: GitFilesRequest['dialect']
  /** Whether any text of the set mentions `commit`: only then is it a parameter, as each commit changes it. */
  readonly readsCommit?: boolean
}

export function parameterSets(sets: readonly Parameters[]): Generated {
  return { kind: 'sets', sets }
}

export function failedWith(...failures: readonly Failure[]): Generated {
  return { kind: 'failed', failures }
}

/** The entry is not written as its generator asks for. */
export function invalidGenerator(message: string, path: Failure['path'], hint?: string): Failure {
  return { code: 'GENERATOR_INVALID', message, path, ...(hint === undefined ? {} : { hint }) }
}

import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { buildRows } from './build-rows.ts'
import type { OutputMeter, TemplateEngine } from './engines/engine.ts'
import { engineEntryOf } from './engines/registry.ts'
import { withExpressions } from './engines/with-expressions.ts'
import type { Expansion, ExpansionError, GeneratorOutcome } from './expansion.ts'
import { ErrorList, placeFailure } from './expansion-errors.ts'
import { type Failure, TemplateError } from './failure.ts'
import type { GeneratorContext, GeneratorRegistry } from './generators/generator.ts'
import { generatorsFor } from './generators/registry.ts'
import { type GeneratorInputs, type InputRequest, inputKey } from './inputs.ts'
import { LIMITS } from './limits.ts'
import { limitToProject, mentionsCommit, missingProject, projectOfSet } from './set-project.ts'
import { entryTransformer } from './transform.ts'
import { firstByName } from './unique-names.ts'
import { unrecognizedGenerators, unrecognizedMessage } from './unrecognized-generators.ts'

/**
 * Expands one ApplicationSet into its Applications, each with where it comes from.
 *
 * Pure: what generators need from the world is looked up in `inputs`; whatever had no answer is in `needs`, and the
 * caller gathers it and expands again. One failing generator or parameter set never stops the others; every error says
 * whether Applications that it hides must stay (`stale`).
 *
 * @throws Never for anything a document may hold.
 */
export function expand(set: Declared<ApplicationSetSpec>, inputs: GeneratorInputs): Expansion {
  const engine = createEngine(set, inputs)
  if (engine instanceof TemplateError) return withoutEngine(set, engine)
  const missing = missingProject(set, inputs)
  if (missing !== undefined) return withoutProject(set, missing)
  return expandWith(set, inputs, {
    engine: set.group === 'flotilla.dev' ? withExpressions(engine) : engine,
    registry: generatorsFor(set.group),
  })
}

export interface ExpansionParts {
  readonly engine: TemplateEngine
  readonly registry: GeneratorRegistry
  /** Argo CD leaves names to Kubernetes: so they come out as they are, for comparison with it. */
  readonly anyName?: true
}

/** {@link expand} with a given engine and generators. */
export function expandWith(
  set: Declared<ApplicationSetSpec>,
  inputs: GeneratorInputs,
  { engine, registry, anyName }: ExpansionParts,
): Expansion {
  const needs = new Map<string, InputRequest>()
  const meter: OutputMeter = { remaining: LIMITS.renderedSet, steps: LIMITS.stepsOfSet }
  inputs.memory?.begin()
  const context = generatorContext(set, inputs, { engine, registry }, meter, needs)
  const errors: ExpansionError[] = []
  const entries = generatorEntries(set)
  const unknown = new Map(unknownFailures(set, entries, registry))
  const outcomes = entries.map((entry, index): GeneratorOutcome => {
    const failure = unknown.get(index)
    if (failure === undefined)
      return expandEntry(set, entry, index, { ...context, ...(anyName && { anyName }) }, errors)
    errors.push(placeFailure(set, index, failure))
    return { generator: String(index), status: 'failed', applications: [] }
  })
  // Generators that still wait for an answer have not looked at all that they know.
  if (needs.size === 0) inputs.memory?.end()
  const made = outcomes.reduce((sum, { applications }) => sum + applications.length, 0)
  if (made > LIMITS.applications) return tooManyApplications(set, outcomes, made)
  const unique = firstByName(set, outcomes)
  return {
    applications: unique.outcomes.flatMap(({ applications }) => applications),
    generators: unique.outcomes,
    errors: [...errors, ...unique.errors],
    needs: [...needs.values()],
  }
}

/** What generators of `set` may look at; requests without an answer are collected in `needs`. */
export function generatorContext(
  set: Declared<ApplicationSetSpec>,
  inputs: GeneratorInputs,
  { engine, registry }: ExpansionParts,
  meter: OutputMeter,
  needs: Map<string, InputRequest>,
): GeneratorContext {
  const limited = limitToProject(set, inputs)
  return {
    set: setFacts(set),
    inputs: limited.inputs,
    engine,
    meter,
    registry,
    ...(inputs.memory && { memory: inputs.memory }),
    depth: 0,
    ask: request => {
      const answer = limited.answer(request)
      if (answer === undefined) needs.set(inputKey(request), request)
      return answer
    },
  }
}

/** Says how the files of a git generator are matched: `doublestar` or `pathspec`; each API group has its default. */
export const FILE_GLOBS_ANNOTATION = 'flotilla.dev/git-file-globs'

function setFacts(set: Declared<ApplicationSetSpec>): GeneratorContext['set'] {
  const argo = set.group === 'argoproj.io'
  const spec = isJsonObject(set.spec.template) ? set.spec.template['spec'] : undefined
  const project = isJsonObject(spec) ? spec['project'] : undefined
  const globs = set.annotations[FILE_GLOBS_ANNOTATION]
  return {
    name: set.name,
    group: set.group,
    project: projectOfSet(set) ?? (typeof project === 'string' ? project : ''),
    ...(!argo && mentionsCommit(set.spec) && { readsCommit: true }),
    trust: set.trust,
    numbers: argo ? 'go' : 'plain',
    fileGlobs: globs === 'doublestar' || globs === 'pathspec' ? globs : argo ? 'pathspec' : 'doublestar',
  }
}

function generatorEntries(set: Declared<ApplicationSetSpec>): readonly JsonObject[] {
  const { generators } = set.spec
  return Array.isArray(generators) ? generators : []
}

/** Keys that are no generator: Argo CD forgets them, and with them the Applications that they were to give. */
function unknownFailures(
  set: Declared<ApplicationSetSpec>,
  entries: readonly JsonObject[],
  registry: GeneratorRegistry,
): readonly (readonly [number, Failure])[] {
  return unrecognizedGenerators(entries, set.annotations, registry).map(({ index, names }) => [
    index,
    {
      code: 'GENERATOR_UNKNOWN',
      message: unrecognizedMessage(set.name, names),
      hint: `there are ${[...registry.keys()].join(', ')}`,
      path: names.slice(0, 1),
    },
  ])
}

/** {@link GeneratorContext}, with what is asked of the Applications. */
export type ExpandContext = GeneratorContext & Pick<ExpansionParts, 'anyName'>

function expandEntry(
  set: Declared<ApplicationSetSpec>,
  entry: JsonObject,
  index: number,
  context: ExpandContext,
  errors: ExpansionError[],
): GeneratorOutcome {
  const generator = String(index)
  const transformed = entryTransformer(entry, context)({})
  if (transformed.kind === 'waiting') return { generator, status: 'waiting', applications: [] }
  if (transformed.kind === 'failed') {
    for (const failure of transformed.failures.slice(0, LIMITS.errorsPerGenerator)) {
      errors.push(placeFailure(set, index, failure))
    }
    return { generator, status: 'failed', applications: [] }
  }
  const list = new ErrorList(set, generator)
  const { results } = transformed
  const rows = results.map(result => buildRows(set, result, index, context, list))
  const applications = rows.flatMap(row => row.applications)
  const documents = rows.flatMap(row => row.documents)
  const authoritative = results.length > 0 && results.every(result => result.authoritative)
  errors.push(...list.errors())
  return {
    generator,
    status: 'ok',
    applications,
    ...(documents.length > 0 && { documents }),
    ...(authoritative && { authoritative }),
  }
}

/** The engine that the set asks for, or why its options do not make one. */
function createEngine(set: Declared<ApplicationSetSpec>, inputs: GeneratorInputs): TemplateEngine | TemplateError {
  const { numbers } = setFacts(set)
  try {
    return engineEntryOf(set.spec, set.group).create(set.spec.goTemplateOptions ?? [], inputs.environment, numbers)
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
}

function withoutEngine(set: Declared<ApplicationSetSpec>, { code, message, hint, path }: TemplateError): Expansion {
  const error: ExpansionError = {
    reason: 'ApplicationGenerationFromParamsError',
    code,
    stage: 'render',
    generator: '0',
    message,
    ...(hint !== undefined && { hint }),
    position: set.positionOf(['spec', ...path]),
    stale: true,
  }
  return { applications: [], generators: allFailed(set), errors: [error], needs: [] }
}

function withoutProject(set: Declared<ApplicationSetSpec>, project: string): Expansion {
  const error: ExpansionError = {
    reason: 'ApplicationGenerationFromParamsError',
    code: 'PROJECT_MISSING',
    stage: 'generate',
    generator: '0',
    message: `ApplicationSet ${set.name} carries project "${project}", which is not declared`,
    hint: 'declare the Project, or take spec.project out of the set; what the set gave before stays as it is',
    position: set.positionOf(['spec', 'project']),
    stale: true,
  }
  return { applications: [], generators: allFailed(set), errors: [error], needs: [] }
}

function tooManyApplications(
  set: Declared<ApplicationSetSpec>,
  outcomes: readonly GeneratorOutcome[],
  made: number,
): Expansion {
  const error: ExpansionError = {
    reason: 'ApplicationGenerationFromParamsError',
    code: 'TOO_MANY_APPLICATIONS',
    stage: 'generate',
    generator: outcomes[0]?.generator ?? '0',
    message: `ApplicationSet ${set.name} gives ${made} Applications; a set may give ${LIMITS.applications}`,
    hint: 'narrow a selector, or part the set',
    position: set.positionOf(['spec', 'generators']),
    stale: true,
  }
  return { applications: [], generators: allFailed(set), errors: [error], needs: [] }
}

function allFailed(set: Declared<ApplicationSetSpec>): GeneratorOutcome[] {
  return generatorEntries(set).map((_, index) => ({ generator: String(index), status: 'failed', applications: [] }))
}

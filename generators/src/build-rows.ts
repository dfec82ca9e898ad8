import type { Json } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Provenance } from '@flotilla/core/model/provenance'
import { applicationBuilder } from './build-application.ts'
import type { OutputMeter } from './engines/engine.ts'
import type { ExpandContext } from './expand.ts'
import type { ErrorList } from './expansion-errors.ts'
import type { MemoryRoom } from './expansion-memory.ts'
import { TemplateError } from './failure.ts'
import { documentBuilder, documentTemplates, type GeneratedDocument } from './generated-documents.ts'
import type { Parameters } from './inputs.ts'
import { comesFromOwn } from './templating/merge-template.ts'
import type { TransformResult } from './transform.ts'
import { compileCondition } from './when.ts'

/** What the parameter sets of one generator became. */
export interface BuiltRows {
  readonly applications: readonly Application[]
  readonly documents: readonly GeneratedDocument[]
}

/** Makes an Application, and the set's other documents, of each parameter set that `spec.when` lets through. */
export function buildRows(
  set: Declared<ApplicationSetSpec>,
  { key, template, sets }: TransformResult,
  index: number,
  context: ExpandContext,
  errors: ErrorList,
): BuiltRows {
  const build = applicationsWanted(set) ? applicationBuilder(set, template, context.engine, context) : undefined
  const buildDocuments = documentBuilder(set, context.engine)
  const buildsDocuments = documentTemplates(set).length > 0
  const counts = setCondition(set)
  const entryPath = ['spec', 'generators', index]
  const origins = new Map<string | undefined, Omit<Provenance, 'element' | 'params'>>()
  const rooms = new Map<string | undefined, MemoryRoom>()
  const roomOf = (inside: string | undefined): MemoryRoom | undefined => {
    // Documents beside the Application are not remembered.
    if (context.memory === undefined || buildsDocuments) return undefined
    const room = rooms.get(inside) ?? context.memory.room(JSON.stringify(['build', index, key, inside]))
    rooms.set(inside, room)
    return room
  }
  const applications: Application[] = []
  const documents: GeneratedDocument[] = []
  for (const { element, parameters, generator: inside } of sets) {
    const origin = origins.get(inside) ?? originOf(set, index, inside)
    origins.set(inside, origin)
    const at = { generator: origin.generator, element }
    const counted = counts(parameters, context.meter)
    if (counted === false) continue
    if (counted !== true) {
      errors.add('render', at, counted, ['spec', 'when'])
      continue
    }
    const room = roomOf(inside)
    const known = room?.application(parameters)
    if (known !== undefined) {
      applications.push(atElement(known, element))
      continue
    }
    const provenance = { ...origin, element, params: parameters }
    for (const made of buildDocuments(parameters, provenance, context.meter)) {
      if ('document' in made) documents.push(made)
      else errors.add('render', at, made.error, ['spec', 'documents', made.index, ...made.error.path])
    }
    const built = build?.(parameters, provenance, context.meter)
    if (built === undefined) continue
    if (built.kind === 'application') {
      applications.push(built.application)
      room?.keep(parameters, built.application)
      continue
    }
    const { stage, error } = built
    const own = comesFromOwn(template, error.path)
    const path = stage === 'patch' ? ['spec', 'templatePatch'] : [...(own ? [...entryPath, key] : ['spec']), 'template']
    errors.add(stage, at, error, stage === 'patch' ? path : [...path, ...error.path])
  }
  return { applications, documents }
}

/** What was made before, at the place that its parameters have in the list now. */
function atElement(application: Application, element: number): Application {
  const { provenance } = application
  return provenance.element === element ? application : { ...application, provenance: { ...provenance, element } }
}

/** A set of other documents alone has no template. */
function applicationsWanted(set: Declared<ApplicationSetSpec>): boolean {
  const { template } = set.spec as { readonly template?: Json }
  return (template !== undefined && template !== null) || documentTemplates(set).length === 0
}

/** `spec.when`: whether a parameter set becomes an Application, or why that cannot be said. */
function setCondition(
  set: Declared<ApplicationSetSpec>,
): (parameters: Parameters, meter: OutputMeter) => boolean | TemplateError {
  if (set.group !== 'flotilla.dev') return () => true
  const caught = <Value>(run: () => Value): Value | TemplateError => {
    try {
      return run()
    } catch (error) {
      if (error instanceof TemplateError) return error
      throw error
    }
  }
  const condition = caught(() => compileCondition(set.spec['when'] as Json | undefined))
  if (condition === undefined) return () => true
  if (condition instanceof TemplateError) return () => condition
  return (parameters, meter) => caught(() => condition(parameters, meter))
}

/** @param inside Of a union: which generator in the entry, `union.1`. */
function originOf(set: Declared<ApplicationSetSpec>, index: number, inside: string | undefined) {
  const nested = (inside ?? '')
    .split('.')
    .flatMap((step, at): (string | number)[] => (at % 2 === 0 ? [step, 'generators'] : [Number(step)]))
  const path = ['spec', 'generators', index, ...(inside === undefined ? [] : nested)]
  const { file, line, column } = set.positionOf(path)
  const generator = inside === undefined ? String(index) : `${index}.${inside}`
  return { source: set.source, file, line, column, set: set.name, generator }
}

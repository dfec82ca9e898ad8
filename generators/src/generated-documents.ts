import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Provenance } from '@flotilla/core/model/provenance'
import type { OutputMeter, TemplateEngine } from './engines/engine.ts'
import { TemplateError } from './failure.ts'
import type { Parameters } from './inputs.ts'
import { compileValue } from './templating/compile-value.ts'

/** A document of the fleet that a set made of one parameter set; not yet read as its kind asks for. */
export interface GeneratedDocument {
  /** Which of `spec.documents` it was made of. */
  readonly index: number
  readonly document: JsonObject
  readonly provenance: Provenance
}

/** `spec.documents`: what a set makes beside Applications, or instead of them (applicationsets.md 2.4). Ours only. */
export function documentTemplates({
  group,
  spec,
}: Pick<Declared<ApplicationSetSpec>, 'group' | 'spec'>): readonly JsonObject[] {
  const { documents } = spec as { readonly documents?: Json }
  return group === 'flotilla.dev' && Array.isArray(documents) ? documents.filter(isJsonObject) : []
}

export interface DocumentFailure {
  readonly index: number
  readonly error: TemplateError
}

export type DocumentBuilder = (
  parameters: Parameters,
  provenance: Provenance,
  meter: OutputMeter,
) => readonly (GeneratedDocument | DocumentFailure)[]

/** Prepares the templates of a set's documents; the result makes one of each for a parameter set. */
export function documentBuilder(
  set: Pick<Declared<ApplicationSetSpec>, 'group' | 'spec'>,
  engine: TemplateEngine,
): DocumentBuilder {
  const compiled = documentTemplates(set).map(template => compileValue(template, engine))
  return (parameters, provenance, meter) =>
    compiled.map((template, index) => {
      try {
        return { index, document: template.render(parameters, meter) as JsonObject, provenance }
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        return { index, error }
      }
    })
}

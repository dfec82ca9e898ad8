import { getKey, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import { applicationJson } from '@flotilla/core/model/application'
import type { Position } from '@flotilla/core/model/diagnostic'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'

/** One line of a template, and what it became in the Application. */
export interface TemplateLine extends Position {
  /** `metadata.name`, `spec.source.path`. */
  readonly field: string
  readonly template: string
  readonly value: Json
}

export interface GeneratorPlace extends Position {
  /** `git`, or `matrix`; several keys of one entry are a union. */
  readonly kind: string
}

type Path = readonly (string | number)[]

/** Every templated text of a set's template, with its line and with what it is in the Application. */
export function templateLines(set: Declared<ApplicationSetSpec>, application: Application): readonly TemplateLine[] {
  const lines: TemplateLine[] = []
  const document = applicationJson(application)
  const visit = (value: Json, path: Path): void => {
    if (typeof value === 'string') {
      if (!value.includes('{{')) return
      const position = set.positionOf(['spec', 'template', ...path])
      lines.push({ ...position, field: fieldText(path), template: value, value: valueAt(document, path) ?? null })
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item as Json, [...path, index])
    } else if (isJsonObject(value)) {
      for (const key of Object.keys(value)) visit(getKey(value, key) ?? null, [...path, key])
    }
  }
  visit(set.spec.template, [])
  return lines
}

/** Where the generator entry that made an Application stands, and what it is. */
export function generatorPlace(set: Declared<ApplicationSetSpec>, generator: string): GeneratorPlace {
  const steps = generator.split('.')
  const path: (string | number)[] = ['spec', 'generators']
  let entry: Json = set.spec.generators as unknown as Json
  for (const step of steps) {
    const index = /^\d+$/.test(step) ? Number(step) : step
    // `0.matrix.1` leaves out `generators`, which stands between a combination and its children.
    const nested: Json = typeof index === 'number' && isJsonObject(entry) ? (entry['generators'] ?? null) : entry
    if (nested !== entry) path.push('generators')
    path.push(index)
    entry = valueAt(nested, [index]) ?? null
  }
  const keys = isJsonObject(entry) ? Object.keys(entry).filter(key => key !== 'selector') : []
  return { ...set.positionOf(path), kind: keys.join(' + ') }
}

function valueAt(value: Json, path: Path): Json | undefined {
  let at: Json | undefined = value
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? (at[step] as Json | undefined) : undefined
    else at = isJsonObject(at) ? getKey(at as JsonObject, step) : undefined
  }
  return at
}

function fieldText(path: Path): string {
  return path
    .map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}

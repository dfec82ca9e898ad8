import { canonicalJson } from '../json/canonical-json.ts'
import type { FieldStep } from './field-set.ts'

/** A field as people write it: `.spec.template.spec.containers[name="web"].image`. Never holds a value of a field. */
export type FieldPath = string

/** @example formatFieldPath([{ kind: 'field', name: 'spec' }, { kind: 'field', name: 'replicas' }]) // => '.spec.replicas' */
export function formatFieldPath(steps: readonly FieldStep[]): FieldPath {
  return steps.map(formatStep).join('')
}

function formatStep(step: FieldStep): string {
  switch (step.kind) {
    case 'field':
      return /^[A-Za-z0-9_-]+$/.test(step.name) ? `.${step.name}` : `[${JSON.stringify(step.name)}]`
    case 'item':
      return `[${Object.entries(step.keys)
        .map(([name, value]) => `${name}=${canonicalJson(value ?? null)}`)
        .join(',')}]`
    case 'member':
      return `[=${canonicalJson(step.value)}]`
    case 'index':
      return `[${step.index}]`
  }
}

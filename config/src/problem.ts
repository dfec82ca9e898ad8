import type { Diagnostic, Severity } from '@flotilla/core/model/diagnostic'
import type { YamlDocument } from '@flotilla/core/yaml/parse-yaml'
import type { DiagnosticCode } from './diagnostic-codes.ts'
import { placeInText, type TextPlace } from './place-in-text.ts'

export type Path = readonly (string | number)[]

/** A mistake at a path of a document, before the path has become a line and a column. */
export interface Problem {
  readonly code: DiagnosticCode
  readonly severity: Severity
  readonly message: string
  readonly hint?: string
  readonly path: Path
  /** Whether the key or the value is to be pointed at; `value` by default. */
  readonly at?: 'key' | 'value'
  /** A place inside a value that is text, for mistakes in rows of a policy. */
  readonly within?: TextPlace
  /** False for an error that does not make the document unusable: it stays in force, and what it concerns is held. */
  readonly blocking?: boolean
}

/** @param base Path of the object inside its YAML document: `['items', 3]` in a List. */
export function diagnosticOf(problem: Problem, yaml: YamlDocument, base: Path): Diagnostic {
  const path = [...base, ...problem.path]
  const value = problem.at === 'key' ? yaml.keyPositionOf(path) : yaml.positionOf(path)
  const position = problem.within === undefined ? value : placeInText(yaml, value, problem.within)
  return {
    severity: problem.severity,
    code: problem.code,
    ...position,
    message: problem.message,
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  }
}

export function isBlocking(problem: Problem): boolean {
  return problem.severity === 'error' && problem.blocking !== false
}

/** `spec.generators[0].git.files`: how people write a path. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
  return text
}

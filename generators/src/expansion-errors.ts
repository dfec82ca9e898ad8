import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { BuildStage } from './build-application.ts'
import type { ExpansionError, ExpansionErrorReason } from './expansion.ts'
import type { DocumentPath, Failure, TemplateError } from './failure.ts'
import { LIMITS } from './limits.ts'

/** A failure of a generator, placed in the document: the entry's last good result stays in force. */
export function placeFailure(set: Declared<ApplicationSetSpec>, index: number, failure: Failure): ExpansionError {
  const { code, message, hint, path } = failure
  return {
    reason: code === 'UNSUPPORTED_GENERATOR' ? 'UnsupportedGenerator' : 'ApplicationGenerationFromParamsError',
    code,
    stage: 'generate',
    generator: generatorPath(index, path),
    message,
    ...(hint === undefined ? {} : { hint }),
    position: set.positionOf(['spec', 'generators', index, ...path]),
    stale: true,
  }
}

/** `['matrix', 'generators', 1, 'list', …]` of entry 0 → `0.matrix.1`. */
export function generatorPath(index: number, path: DocumentPath): string {
  let result = String(index)
  let at = 0
  while (path[at + 1] === 'generators' && typeof path[at + 2] === 'number') {
    result += `.${path[at]}.${path[at + 2]}`
    at += 3
  }
  return result
}

const REASONS: { readonly [stage in BuildStage]: ExpansionErrorReason } = {
  render: 'RenderTemplateParamsError',
  patch: 'RenderTemplateParamsError',
  validate: 'ApplicationValidationError',
}

/**
 * Errors of one generator's parameter sets. What fails alike for many sets is said once, for the first of them, with
 * how many others there are.
 */
export class ErrorList {
  readonly #set: Declared<ApplicationSetSpec>
  readonly #generator: string
  readonly #first = new Map<string, { error: ExpansionError; more: number }>()
  #unlisted = 0

  constructor(set: Declared<ApplicationSetSpec>, generator: string) {
    this.#set = set
    this.#generator = generator
  }

  add(
    stage: BuildStage,
    { generator, element }: { readonly generator?: string; readonly element: number },
    problem: TemplateError,
    path: DocumentPath,
  ): void {
    const { code, message, hint } = problem
    const key = JSON.stringify([stage, code, message, path])
    const known = this.#first.get(key)
    if (known !== undefined) {
      known.more++
      return
    }
    if (this.#first.size >= LIMITS.errorsPerGenerator) {
      this.#unlisted++
      return
    }
    const error: ExpansionError = {
      reason: REASONS[stage],
      code,
      stage,
      generator: generator ?? this.#generator,
      element,
      message,
      ...(hint === undefined ? {} : { hint }),
      position: this.#set.positionOf(path),
      // The Application that this parameter set gave before is not gone: it cannot be made now.
      stale: true,
    }
    this.#first.set(key, { error, more: 0 })
  }

  errors(): ExpansionError[] {
    const listed = [...this.#first.values()].map(({ error, more }) =>
      more === 0 ? error : { ...error, hint: joined(error.hint, `${more} more parameter sets fail in the same way`) },
    )
    const last = listed.at(-1)
    if (last === undefined || this.#unlisted === 0) return listed
    const { element: _, hint: __, ...rest } = last
    const message = `${this.#unlisted} more parameter sets of this generator fail`
    return [...listed, { ...rest, code: 'TOO_MANY_MISTAKES', message }]
  }
}

function joined(hint: string | undefined, more: string): string {
  return hint === undefined ? more : `${hint}; ${more}`
}

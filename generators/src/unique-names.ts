import type { Application } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Provenance } from '@flotilla/core/model/provenance'
import type { ExpansionError, GeneratorOutcome } from './expansion.ts'

/**
 * Within one set the first Application of a name keeps it; each later one is an error that names both origins. (Argo CD
 * refuses both, so that a second claimant stops the first.)
 */
export function firstByName(
  set: Declared<ApplicationSetSpec>,
  outcomes: readonly GeneratorOutcome[],
): { outcomes: readonly GeneratorOutcome[]; errors: readonly ExpansionError[] } {
  const first = new Map<string, Application>()
  const errors: ExpansionError[] = []
  const keep = (application: Application): boolean => {
    const { name } = application.metadata
    const holder = first.get(name)
    if (holder === undefined) {
      first.set(name, application)
      return true
    }
    errors.push(duplicate(set, holder, application))
    return false
  }
  return {
    outcomes: outcomes.map(outcome => ({ ...outcome, applications: outcome.applications.filter(keep) })),
    errors,
  }
}

function duplicate(set: Declared<ApplicationSetSpec>, holder: Application, refused: Application): ExpansionError {
  const { generator = '', element, file, line, column } = refused.provenance
  return {
    reason: 'ApplicationValidationError',
    code: 'APPLICATION_NAME_DUPLICATE',
    stage: 'validate',
    generator,
    ...(element === undefined ? {} : { element }),
    message: `ApplicationSet ${set.name} contains applications with duplicate name: ${refused.metadata.name}`,
    hint: `${originText(holder.provenance)} keeps the name, ${originText(refused.provenance)} is left out`,
    position: { file, line, column },
    // Nothing is hidden: an Application of that name is there.
    stale: false,
  }
}

/** `set "web" generator 0 element 3 (sets/web.yaml:7:5)`, for people. */
export function originText({ set, generator, element, file, line, column }: Provenance): string {
  const parts = set === undefined ? [] : [`set "${set}"`]
  if (generator !== undefined) parts.push(`generator ${generator}`)
  if (element !== undefined) parts.push(`element ${element}`)
  const place = `${file}:${line}:${column}`
  return parts.length > 0 ? `${parts.join(' ')} (${place})` : place
}

import { readKeepRules } from '@flotilla/core/decide/keep-fields'
import type { JsonObject } from '@flotilla/core/json/json'
import { type Problem, pathText } from '../problem.ts'

/** Rules of `ignoreApplicationDifferences` that cannot be read: what they name follows the set. */
export function keepProblems(spec: JsonObject): Problem[] {
  return readKeepRules(spec).mistakes.map(({ path, kind }) =>
    kind === 'pointer'
      ? {
          code: 'INVALID_VALUE',
          severity: 'error',
          path,
          message: `${pathText(path)} is no JSON pointer: it begins with "/", like /spec/source/targetRevision`,
        }
      : {
          code: 'FIELD_NOT_SUPPORTED_YET',
          severity: 'warning',
          path,
          message: `${pathText(path)} cannot be run: of jq only paths are, so what it names follows the set`,
          hint: 'write it as .spec.source.helm.values, .spec.sources[].targetRevision or .spec.sources[] | select(.ref == "values") | .path',
        },
  )
}

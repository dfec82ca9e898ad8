import type { ArgoWindow } from '@flotilla/core/gates/argo-windows'
import { checkArgoWindows } from '@flotilla/core/gates/check-argo-windows'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { type Problem, pathText } from '../problem.ts'
import { syncWindow } from '../schema/project.ts'
import { listOf } from './kind.ts'

/**
 * What is wrong with the windows of a Project, as far as they have the right form. The Project stays in force: a window
 * that cannot be read closes what it may concern, so that leaving out the whole Project would be no safer.
 */
export function syncWindowProblems(spec: JsonObject): Problem[] {
  const windows = listOf(spec['syncWindows']).map(window =>
    isJsonObject(window) && syncWindow.safeParse(window).success ? (window as ArgoWindow) : null,
  )
  return checkArgoWindows(windows).map(mistake => {
    const path = ['spec', 'syncWindows', ...mistake.path]
    const message = `${pathText(path)}: ${mistake.message}`
    return mistake.selectsNothing
      ? { code: 'WINDOW_WITHOUT_EFFECT', severity: 'warning', path, message }
      : { code: 'INVALID_VALUE', severity: 'error', path, message, blocking: false }
  })
}

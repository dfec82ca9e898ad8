import { positionInSpec } from '@flotilla/config'
import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import type { Application } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { RenderProblem } from '@flotilla/core/ports/renderer'
import { sourcesOf } from '@flotilla/core/project/permit'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import type { OfflineFleet } from './offline-fleet.ts'

export interface OfflineRendering {
  /** Absent when the Application cannot be rendered: the diagnostics say why. */
  readonly digest?: string
  readonly objects: readonly KubernetesObject[]
  readonly diagnostics: readonly Diagnostic[]
}

/** Renders an Application with the hub's own renderer, from the local folder that stands for its repository. */
export async function renderOffline(application: Application, fleet: OfflineFleet): Promise<OfflineRendering> {
  const { repositories } = fleet
  const here = positionInSpec(fleet, application, 'source', 'repoURL')
  const sources = sourcesOf(application)
  const [source] = sources
  if (source === undefined || sources.length > 1) {
    const message = `an Application with ${sources.length} sources cannot be rendered yet`
    return failed({ severity: 'error', code: 'UNSUPPORTED_SOURCE', ...here, message })
  }
  const opened = await repositories.open(source.repoURL)
  if (opened.kind === 'unavailable') {
    const { message, hint } = opened
    return failed({ severity: 'error', code: 'INPUT_UNAVAILABLE', ...here, message, hint })
  }
  const { repository, commit } = opened.snapshot
  const at = positionInSpec(fleet, application, 'source', 'path')
  const result = await directoryRenderer().render({ source, repository, commit })
  if (result.kind === 'failed') return failed(...result.problems.map(problem => diagnosticOf(problem, 'error', at)))
  const { bytes, digest } = result.bundle
  return {
    digest,
    objects: decodeBundle(bytes, digest).objects,
    diagnostics: result.warnings.map(warning => diagnosticOf(warning, 'warning', at)),
  }
}

function failed(...diagnostics: readonly Diagnostic[]): OfflineRendering {
  return { objects: [], diagnostics }
}

/** A problem inside the repository has its place there; one of the source as a whole is the document's. */
function diagnosticOf(
  { code, message, file, line, column, hint }: RenderProblem,
  severity: Diagnostic['severity'],
  here: { readonly file: string; readonly line: number; readonly column: number },
): Diagnostic {
  const at = file === undefined ? here : { file, line: line ?? 1, column: column ?? 1 }
  return { severity, code, ...at, message, ...(hint === undefined ? {} : { hint }) }
}

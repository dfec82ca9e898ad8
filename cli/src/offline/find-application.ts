import type { Application } from '@flotilla/core/model/application'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { nearest } from '@flotilla/core/text/nearest'
import { failure } from '../errors.ts'
import { expandOffline, type OfflineFleet } from './offline-fleet.ts'

/**
 * One Application by name, generated or written by hand.
 *
 * @throws CliError with the nearest name, or with the mistakes that may be why it is not there.
 */
export async function findApplication(fleet: OfflineFleet, name: string): Promise<Application> {
  const { applications, diagnostics } = await expandOffline(fleet)
  const found = applications.find(application => application.metadata.name === name)
  if (found !== undefined) return found
  const errors = [...fleet.diagnostics, ...diagnostics].filter(diagnostic => diagnostic.severity === 'error')
  const meant = nearest(
    name,
    applications.map(application => application.metadata.name),
  )
  const because = errors.slice(0, 10).map(formatDiagnostic).join('\n')
  throw failure(
    `there is no Application "${name}"${because === '' ? '' : `; these mistakes may be why:\n${because}`}`,
    meant === undefined ? 'flotilla expand PATH -o name lists them' : `did you mean "${meant}"?`,
  )
}

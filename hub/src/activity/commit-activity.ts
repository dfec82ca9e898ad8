import type { ActivityApplication, ActivityNote } from '@flotilla/core/activity/activity-entry'
import type { ApplicationRow, SourceDocumentRow } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { withoutCredentials } from '@flotilla/core/view/shown-url'
import { applicationOf } from '../loop/world.ts'

/** What the feed has of a commit that gives an Application another Bundle: one entry for all that it changes. */
export function activityOfRelease(
  before: ApplicationRow,
  after: ApplicationRow,
  at: EpochMs,
): ActivityNote | undefined {
  const { name, project, clusterName: cluster, revision, digest, pin } = after
  const source = sourcesOf(applicationOf(after))[0]
  if (pin || digest === before.digest || revision === undefined || !source) return undefined
  const repository = withoutCredentials(source.repoURL)
  const application: ActivityApplication = { name, project, cluster }
  return {
    ...{ at, kind: 'commit', event: 'commit', subject: `Commit/${revision}`, by: 'git' },
    message: `${revision.slice(0, 12)} of ${repository} changes what Applications render to`,
    ...{ applications: [application], applicationsCut: 0, detail: { repository, revision } },
    key: `commit/${repository}/${revision}`,
  }
}

/** What the feed has of a commit that a config source stands at now. */
export function activityOfSource(
  { name, repository, commit }: { readonly name: string; readonly repository: string; readonly commit: string },
  changed: readonly string[],
  mistakes: number,
  at: EpochMs,
): ActivityNote {
  const shown = withoutCredentials(repository)
  const found = mistakes === 0 ? '' : `, with ${mistakes} ${mistakes === 1 ? 'diagnostic' : 'diagnostics'}`
  return {
    ...{ at, kind: 'commit', event: 'source.commit', subject: `ConfigSource/${name}`, by: 'git' },
    message: `${commit.slice(0, 12)} changes ${listed(changed)} of config source ${name}${found}`,
    ...{ applications: [], applicationsCut: 0, detail: { repository: shown, revision: commit } },
    about: { resource: 'repositories', name: repository },
  }
}

/** Documents that one entry names. */
const MOST_NAMED = 20

function listed(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`
}

/** `ApplicationSet/shop`: those that came, went, or say something else. */
export function changedDocuments(
  before: readonly SourceDocumentRow[],
  after: readonly SourceDocumentRow[],
): readonly string[] {
  const nameOf = ({ kind, name }: SourceDocumentRow) => `${kind}/${name}`
  const texts = new Map(before.map(row => [nameOf(row), row.text]))
  const changed = new Set(after.filter(row => texts.get(nameOf(row)) !== row.text).map(nameOf))
  const left = new Set(after.map(nameOf))
  for (const name of texts.keys()) if (!left.has(name)) changed.add(name)
  return [...changed].sort()
}

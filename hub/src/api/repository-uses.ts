import type { JsonObject } from '@flotilla/core/json/json'
import type { ApplicationRow, SourceRow } from '@flotilla/core/ports/store'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { withoutCredentials } from '@flotilla/core/view/shown-url'
import type { RepositoryState } from './fleet-changes.ts'

/** A repository as people read it: who uses it, and whether it can be reached. */
export interface RepositoryView {
  readonly url: string
  /** How many Applications read it. */
  readonly applications: number
  /** Config sources in it. */
  readonly sources: readonly string[]
  readonly fetchedAt: string | null
  readonly error: { readonly code: string; readonly message: string; readonly since: string } | null
}

/** Which repositories are in use; spellings of one repository are one. */
export class RepositoryUses {
  private readonly uses = new Map<string, { readonly url: string; readonly ids: Set<string> }>()
  private readonly states = new Map<string, RepositoryState>()

  /** Whether two rows of one Application read the same addresses. */
  isUsedAlike(a: ApplicationRow, b: ApplicationRow): boolean {
    if (a.document === b.document) return true
    const [before, after] = [urlsOf(a), urlsOf(b)]
    return before.length === after.length && before.every((url, index) => url === after[index])
  }

  add(row: ApplicationRow): void {
    for (const url of urlsOf(row)) {
      const key = normaliseRepositoryUrl(url)
      const use = this.uses.get(key) ?? { url, ids: new Set() }
      this.uses.set(key, use)
      use.ids.add(row.id)
    }
  }

  remove(row: ApplicationRow): void {
    for (const url of urlsOf(row)) {
      const key = normaliseRepositoryUrl(url)
      const use = this.uses.get(key)
      use?.ids.delete(row.id)
      if (use?.ids.size === 0) this.uses.delete(key)
    }
  }

  learn(state: RepositoryState): void {
    this.states.set(normaliseRepositoryUrl(state.url), state)
  }

  /** The address as it is used here; a mirror of it has that name. */
  known(key: string, sources: readonly SourceRow[]): string | undefined {
    return (
      this.uses.get(key)?.url ??
      sources.find(source => normaliseRepositoryUrl(source.repository) === key)?.repository ??
      this.states.get(key)?.url
    )
  }

  /** @param projectOf The Project of an Application that counts; undefined for one that does not. */
  list(
    sources: readonly SourceRow[],
    projectOf: (id: string) => string | undefined,
  ): readonly (RepositoryView & { readonly projects: readonly string[] })[] {
    const keys = new Set([
      ...this.uses.keys(),
      ...this.states.keys(),
      ...sources.map(source => normaliseRepositoryUrl(source.repository)),
    ])
    return [...keys].sort().map(key => {
      const state = this.states.get(key)
      const projects = [...(this.uses.get(key)?.ids ?? [])].flatMap(id => projectOf(id) ?? [])
      return {
        projects: [...new Set(projects)],
        url: withoutCredentials(this.known(key, sources) ?? key),
        applications: projects.length,
        sources: sources
          .filter(source => normaliseRepositoryUrl(source.repository) === key)
          .map(source => source.name)
          .sort(),
        fetchedAt: state?.fetchedAt === undefined ? null : isoTime(state.fetchedAt),
        error: state?.failure ? shownFailure(state.failure) : null,
      }
    })
  }
}

function urlsOf(row: ApplicationRow): readonly string[] {
  const spec = row.document['spec'] as JsonObject | undefined
  const sources = [spec?.['source'], ...((spec?.['sources'] as readonly JsonObject[] | undefined) ?? [])]
  const urls = sources.map(source => (source as JsonObject | undefined)?.['repoURL'])
  return [...new Set(urls.filter(url => typeof url === 'string'))]
}

/** What went wrong as people read it; whether it is worth another try is the hub's own affair. */
function shownFailure(failure: { readonly code: string; readonly message: string; readonly since: EpochMs }) {
  return { code: failure.code, message: failure.message, since: isoTime(failure.since) }
}

import type { Json } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import { type EventRepository, WebhookError } from './event.ts'
import { addressOf } from './repository-address.ts'

/** Longer names are nobody's: what follows compares them with every set's. */
const MOST_CHARACTERS = 2000
/** A push with more changed files counts as one whose files are not known. */
const MOST_PATHS = 10_000
const NO_COMMIT = /^0*$/

/** @throws WebhookError when there is none. */
export function neededTextAt(body: Json, ...path: readonly string[]): string {
  const text = textAt(body, ...path)
  if (text === '' || text.length > MOST_CHARACTERS) throw new WebhookError(`${path.join('.')} is needed: a text`)
  return text
}

/** The shas of a push: all zeros, or nothing, stand for a ref that was not or is no more. */
export function shasOf(before: string, after: string): { readonly oldSha?: string; readonly newSha?: string } {
  const sha = (text: string): string | undefined => (NO_COMMIT.test(text) || text.length > 64 ? undefined : text)
  const [oldSha, newSha] = [sha(before), sha(after)]
  return { ...(oldSha !== undefined && { oldSha }), ...(newSha !== undefined && { newSha }) }
}

/** @throws WebhookError when no address of it can be read. */
export function repositoryWith(
  facts: Omit<EventRepository, 'urls' | 'hostName'> & { readonly urls: readonly string[] },
): EventRepository {
  const urls = [...new Set(facts.urls.filter(url => url !== '' && url.length <= MOST_CHARACTERS))]
  const hostName = urls.map(url => addressOf(url)?.host).find(host => host !== undefined)
  if (hostName === undefined) throw new WebhookError('the payload names no address of its repository')
  return { ...facts, urls, hostName }
}

/** Files that commits of a push name; undefined where the list is not whole. */
export function pathsOf(
  commits: readonly Json[],
  lists: readonly string[],
  whole: boolean,
): readonly string[] | undefined {
  if (!whole || commits.length === 0) return undefined
  const paths = new Set<string>()
  for (const commit of commits) {
    for (const list of lists) {
      const named = (commit as { readonly [key: string]: Json } | null)?.[list]
      if (!Array.isArray(named)) return undefined
      for (const path of named) if (typeof path === 'string') paths.add(path)
      if (paths.size > MOST_PATHS) return undefined
    }
  }
  return [...paths]
}

import { goTrimSpace } from '../../../go-text.ts'
import { transliterate } from './transliterate.ts'
import { lowerText } from './unicode.ts'

const SUBSTITUTIONS: ReadonlyMap<string, string> = new Map([
  ['&', 'and'],
  ['@', 'at'],
  ['"', ''],
  ["'", ''],
  ['’', ''],
  ['‒', '-'],
  ['–', '-'],
  ['—', '-'],
  ['―', '-'],
])

export interface SlugOptions {
  /** Characters at most; 0 is no limit for a smart slug and an empty text for others. */
  readonly maxLength: number
  /** Whether to cut between words; otherwise in the middle of one, before what is no letter is replaced. */
  readonly smart: boolean
}

/** A text of small letters, digits, `-` and `_` that looks like the given one (applicationsets.md 3.3, steps 2 to 5). */
export function slugOf(text: string, { maxLength, smart }: SlugOptions): string {
  let slug = ''
  for (const character of goTrimSpace(text)) slug += SUBSTITUTIONS.get(character) ?? character
  slug = lowerText(transliterate(slug))
  if (!smart && slug.length >= maxLength) slug = slug.slice(0, maxLength)
  slug = slug
    .replace(/[^a-z0-9_-]/g, '-')
    .replace(/-+/g, '-')
    .replace(/^[-_]+/, '')
  let end = slug.length
  while (end > 0 && (slug[end - 1] === '-' || slug[end - 1] === '_')) end--
  slug = slug.slice(0, end)
  return smart && maxLength > 0 ? cutBetweenWords(slug, maxLength) : slug
}

function cutBetweenWords(slug: string, maxLength: number): string {
  if (slug.length <= maxLength) return slug
  const dash = slug.lastIndexOf('-', maxLength)
  return slug.slice(0, dash < 0 ? maxLength : dash)
}

/**
 * A branch as part of a name: `branch_slug` of pull requests and repositories.
 *
 * Argo CD keeps the length and the way of cutting in variables of the process, so that a template of one set changes
 * the branch slugs of others; here they are always 50 and between words.
 *
 * @example
 * branchSlug('feat/Add_login & logout') // => 'feat-add-login-and-logout'
 */
export function branchSlug(branch: string): string {
  return slugOf(branch.replaceAll('_', '-'), { maxLength: 50, smart: true })
}

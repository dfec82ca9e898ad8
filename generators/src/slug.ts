import { transliterate } from 'transliteration'

/** Argo CD's bound for a slug. */
const MOST = 50

/** Quotes go, dashes of all kinds become one, two signs become their English words. */
const SUBSTITUTIONS: ReadonlyMap<string, string> = new Map([
  ...[...'"\'’'].map(sign => [sign, ''] as const),
  ...[...'‒–—―'].map(sign => [sign, '-'] as const),
  ['&', 'and'],
  ['@', 'at'],
  ['_', '-'],
])

/**
 * The name of a branch as a part of a host name: at most 50 characters, cut between words (applicationsets.md 3.3).
 *
 * @example
 * branchSlug('feature/Größe_ändern') // => 'feature-grosse-andern'
 */
export function branchSlug(branch: string): string {
  const substituted = [...branch.trim()].map(character => SUBSTITUTIONS.get(character) ?? character).join('')
  const slug = transliterate(substituted)
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/-+/g, '-')
    .replace(/^[-_]+|(?<![-_])[-_]+$/g, '')
  if (slug.length <= MOST) return slug
  const cut = slug.lastIndexOf('-', MOST)
  return slug.slice(0, cut > 0 ? cut : MOST)
}

import { matchesWildcard } from '@flotilla/core/text/wildcard'

/**
 * Whether one of the images is wanted: `registry.example.com/shop/web` is every tag and digest of it, `…/web:1.4` that
 * tag, and `*` stands for any characters. Nothing wanted passes everything.
 *
 * @example
 * imageMatcher(['registry.example.com/*:1.4.2'])(['registry.example.com/shop/web:1.4.2']) // => true
 */
export function imageMatcher(wanted: readonly string[] | undefined): (images: readonly string[]) => boolean {
  if (wanted === undefined || wanted.length === 0) return () => true
  const patterns = wanted.map(matcherOf)
  return images => images.some(image => patterns.some(matches => matches(image)))
}

function matcherOf(wanted: string): (image: string) => boolean {
  if (wanted.includes('*')) return image => matchesWildcard(wanted, image)
  return image => image === wanted || image.startsWith(`${wanted}:`) || image.startsWith(`${wanted}@`)
}

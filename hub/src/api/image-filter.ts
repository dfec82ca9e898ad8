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
  if (wanted.includes('*')) {
    const parts = wanted.split('*')
    return image => matchesParts(image, parts)
  }
  return image => image === wanted || image.startsWith(`${wanted}:`) || image.startsWith(`${wanted}@`)
}

/** Leftmost part first: never slower than the text is long, whatever is asked. */
function matchesParts(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop() ?? ''
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

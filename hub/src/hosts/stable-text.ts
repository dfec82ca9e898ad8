const MOST_CHARACTERS = 300

/** What differs from one answer to the next although nothing else does, and would wake everything that shows it. */
const VOLATILE: readonly RegExp[] = [
  /\b(?:request|trace|correlation|activity|reference)[-_ ]?(?:id)?\s*[:=#]?\s*[0-9a-f:.-]{8,64}\b/gi,
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /\b[0-9A-F]{4}(?::[0-9A-F]{2,20}){2,6}\b/gi,
  /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?/g,
  /\b\d{1,6}(?:\.\d{1,9})? ?(?:milliseconds?|seconds?|minutes?|ms|s)\b/gi,
]

/**
 * What a host said, as one line that people may see and that is the same each time the host means the same: without
 * request ids, times and waits, without control characters, and without the credentials that were sent.
 */
export function stableText(text: string, secrets: readonly string[] = []): string {
  let stable = text.slice(0, 10 * MOST_CHARACTERS)
  for (const secret of secrets) if (secret.length >= 4) stable = stable.replaceAll(secret, '***')
  for (const pattern of VOLATILE) stable = stable.replace(pattern, '…')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a host may send them
  stable = stable.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  return stable.length <= MOST_CHARACTERS ? stable : `${stable.slice(0, MOST_CHARACTERS)}…`
}

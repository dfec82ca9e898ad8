/** Longer texts are answered each time: what is kept stays small whoever wrote them. */
const LONGEST_KEPT = 500

/**
 * A pure function of a text that keeps its answers, for the few texts that are asked about again and again. With
 * `most` of them it forgets all, so that ever other texts cost time and no memory. What is thrown is not kept.
 *
 * @example
 * const lengthOf = rememberTexts(text => text.length, 100)
 */
export function rememberTexts<T>(answer: (text: string) => T, most: number): (text: string) => T {
  const known = new Map<string, { readonly value: T }>()
  return text => {
    const kept = known.get(text)
    if (kept) return kept.value
    const value = answer(text)
    if (text.length > LONGEST_KEPT) return value
    if (known.size >= most) known.clear()
    known.set(text, { value })
    return value
  }
}

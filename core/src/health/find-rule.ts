import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'

/** A kind as rules name it: `group/Kind`, or the kind alone for the core group. */
export function ruleKeyOf(object: KubernetesObject): string {
  const group = groupOf(object.apiVersion)
  return group === '' ? object.kind : `${group}/${object.kind}`
}

/**
 * Rules by kind. The exact key wins, then the pattern (`*.crossplane.io/*`, `*` for any text) whose text before its
 * first `*` is longest, then the one with more text, then the first by spelling: which one wins never depends on the
 * order in which they were written.
 */
export interface RuleTable<Rule> {
  readonly find: (key: string) => Rule | undefined
  /** Every key and pattern, sorted. */
  readonly keys: readonly string[]
}

interface Pattern<Rule> {
  readonly key: string
  readonly parts: readonly string[]
  readonly rule: Rule
}

/** The later of two entries with the same key wins. */
export function ruleTable<Rule>(entries: Iterable<readonly [key: string, rule: Rule]>): RuleTable<Rule> {
  const all = new Map(entries)
  const patterns: Pattern<Rule>[] = []
  const exact = new Map<string, Rule>()
  for (const [key, rule] of all) {
    if (key.includes('*')) patterns.push({ key, parts: key.split('*'), rule })
    else exact.set(key, rule)
  }
  patterns.sort(
    (a, b) =>
      b.parts[0]!.length - a.parts[0]!.length ||
      b.key.length - a.key.length ||
      (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  )
  return {
    keys: [...all.keys()].sort(),
    find: key => exact.get(key) ?? patterns.find(({ parts }) => matchesParts(parts, key))?.rule,
  }
}

/** Whether `text` is `parts` with any text between two of them; linear, because the first place where a part fits will do. */
function matchesParts(parts: readonly string[], text: string): boolean {
  const first = parts[0]!
  const last = parts.at(-1)!
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

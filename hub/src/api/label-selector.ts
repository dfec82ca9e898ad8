/** Which labels are wanted, in the words of `kubectl -l`. */
export type LabelSelector = readonly ((labels: { readonly [key: string]: string }) => boolean)[]

const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/

/**
 * Reads `env=prod,tier!=gold,region in (eu, us),site notin (a),canary,!legacy`: all must hold. As in Kubernetes, `!=`
 * and `notin` also hold where the label is missing.
 */
export function parseLabelSelector(
  text: string,
):
  | { readonly kind: 'selector'; readonly selector: LabelSelector }
  | { readonly kind: 'refused'; readonly message: string } {
  const selector: ((labels: { readonly [key: string]: string }) => boolean)[] = []
  for (const part of splitOutsideParentheses(text)) {
    const requirement = parseRequirement(part.trim())
    if (typeof requirement === 'string') return { kind: 'refused', message: requirement }
    selector.push(requirement)
  }
  return { kind: 'selector', selector }
}

export function matchesLabels(selector: LabelSelector, labels: { readonly [key: string]: string }): boolean {
  return selector.every(requirement => requirement(labels))
}

function parseRequirement(part: string): string | ((labels: { readonly [key: string]: string }) => boolean) {
  const labelOf = (labels: { readonly [key: string]: string }, key: string): string | undefined =>
    Object.hasOwn(labels, key) ? labels[key] : undefined
  const list = /^(\S+)\s+(in|notin)\s*\((.*)\)$/.exec(part)
  if (list) {
    const [, key, operator, inside] = list as unknown as [string, string, string, string]
    const values = inside.split(',').map(value => value.trim())
    const problem = checkKey(key) ?? values.map(checkValue).find(found => found !== undefined)
    if (problem !== undefined) return problem
    const wanted = new Set(values)
    if (operator === 'in') return labels => wanted.has(labelOf(labels, key) ?? '') && Object.hasOwn(labels, key)
    return labels => !Object.hasOwn(labels, key) || !wanted.has(labelOf(labels, key) ?? '')
  }
  const comparison = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(part)
  if (comparison) {
    const [, key, operator, value] = comparison as unknown as [string, string, string, string]
    const problem = checkKey(key) ?? checkValue(value)
    if (problem !== undefined) return problem
    return operator === '!=' ? labels => labelOf(labels, key) !== value : labels => labelOf(labels, key) === value
  }
  const absent = part.startsWith('!')
  const key = absent ? part.slice(1).trim() : part
  const problem = checkKey(key)
  if (problem !== undefined) return problem
  return labels => Object.hasOwn(labels, key) !== absent
}

function checkKey(key: string): string | undefined {
  return key.length <= 317 && KEY.test(key) ? undefined : `"${key}" is not a label's key`
}

function checkValue(value: string): string | undefined {
  return value.length <= 63 && VALUE.test(value) ? undefined : `"${value}" is not a label's value`
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)]
}

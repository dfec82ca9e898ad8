/** Labels of an object. */
export type Labels = { readonly [key: string]: string }

export interface SelectorMistake {
  readonly message: string
}

type Requirement =
  | { readonly kind: 'in' | 'not-in'; readonly key: string; readonly values: ReadonlySet<string> }
  | { readonly kind: 'exists' | 'absent'; readonly key: string }

const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?'
const VALUE = '(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?'
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const EQUAL = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`)
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`)
const LONGEST = 4096

/** `tier in (gold,silver), env=prod, !legacy`: Kubernetes' label selectors as text. Empty matches everything. */
export function parseLabelSelector(text: string): ((labels: Labels) => boolean) | SelectorMistake {
  if (text.length > LONGEST) return { message: `is longer than ${LONGEST} characters` }
  const requirements: Requirement[] = []
  for (const part of text.trim() === '' ? [] : splitOutsideParentheses(text)) {
    const requirement = readRequirement(part.trim())
    if (requirement === undefined) {
      return { message: `"${part.trim()}" is no requirement: write key=value, key in (a,b), key or !key` }
    }
    requirements.push(requirement)
  }
  return labels => requirements.every(requirement => holds(requirement, labels))
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '(') depth++
    else if (text[index] === ')') depth--
    else if (text[index] === ',' && depth === 0) {
      parts.push(text.slice(from, index))
      from = index + 1
    }
  }
  return [...parts, text.slice(from)]
}

function readRequirement(part: string): Requirement | undefined {
  const set = SET.exec(part)
  if (set) {
    const values = set[3]!.split(',').map(value => value.trim())
    return { kind: set[2] === 'in' ? 'in' : 'not-in', key: set[1]!, values: new Set(values) }
  }
  const equal = EQUAL.exec(part)
  if (equal) return { kind: equal[2] === '!=' ? 'not-in' : 'in', key: equal[1]!, values: new Set([equal[3]!]) }
  const exists = EXISTS.exec(part)
  return exists === null ? undefined : { kind: exists[1] === '!' ? 'absent' : 'exists', key: exists[2]! }
}

function holds(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined
  switch (requirement.kind) {
    case 'in':
      return value !== undefined && requirement.values.has(value)
    case 'not-in':
      return value === undefined || !requirement.values.has(value)
    case 'exists':
      return value !== undefined
    case 'absent':
      return value === undefined
  }
}

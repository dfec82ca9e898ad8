import { getKey, isJsonObject, type Json } from '@flotilla/core/json/json'
import { TemplateError } from './failure.ts'
import { goQuote } from './go-text.ts'

export interface LabelRequirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values: readonly string[]
}

/** All requirements must hold; none accepts everything. */
export type LabelSelector = readonly LabelRequirement[]

/**
 * What the selector is compared with. `labels`: a Kubernetes object, whose label values are short and plain;
 * `parameters`: a parameter set, whose values may be any text (applicationsets.md 7).
 */
export type SelectorTarget = 'labels' | 'parameters'

/**
 * Reads `{ matchLabels, matchExpressions }`.
 *
 * @throws TemplateError `SELECTOR_INVALID`, with the words of Kubernetes' own library.
 */
export function parseLabelSelector(selector: Json | undefined, target: SelectorTarget): LabelSelector {
  if (selector === undefined || selector === null) return []
  if (!isJsonObject(selector)) throw invalid('a selector is an object with matchLabels and matchExpressions')
  return [...matchLabels(selector['matchLabels'], target), ...matchExpressions(selector['matchExpressions'], target)]
}

export function matchesSelector(selector: LabelSelector, labels: { readonly [key: string]: string }): boolean {
  return selector.every(requirement => holds(requirement, labels))
}

function holds({ key, operator, values }: LabelRequirement, labels: { readonly [key: string]: string }): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

function matchLabels(labels: Json | undefined, target: SelectorTarget): LabelRequirement[] {
  if (labels === undefined || labels === null) return []
  if (!isJsonObject(labels)) throw invalid('matchLabels is an object of texts', ['matchLabels'])
  return Object.keys(labels).map(key => {
    const value = getKey(labels, key)
    if (typeof value !== 'string')
      throw invalid('matchLabels holds texts; write the value in quotes', ['matchLabels', key])
    return checked({ key, operator: 'In', values: [value] }, target, ['matchLabels', key])
  })
}

function matchExpressions(expressions: Json | undefined, target: SelectorTarget): LabelRequirement[] {
  if (expressions === undefined || expressions === null) return []
  if (!Array.isArray(expressions)) throw invalid('matchExpressions is a list', ['matchExpressions'])
  return expressions.map((expression, index) => {
    const path = ['matchExpressions', index]
    if (!isJsonObject(expression)) throw invalid('an expression is an object with key, operator and values', path)
    const { key, operator, values = [] } = expression
    if (typeof key !== 'string' || typeof operator !== 'string' || !isTexts(values ?? [])) {
      throw invalid('an expression has a key, an operator and a list of texts as values', path)
    }
    if (!isOperator(operator)) {
      const kind = target === 'labels' ? 'label' : 'pod'
      throw invalid(
        `${goQuote(operator)} is not a valid ${kind} selector operator`,
        [...path, 'operator'],
        OPERATOR_HINT,
      )
    }
    return checked({ key, operator, values: (values ?? []) as readonly string[] }, target, path)
  })
}

const OPERATOR_HINT = 'use In, NotIn, Exists or DoesNotExist'

function isOperator(operator: string): operator is LabelRequirement['operator'] {
  return operator === 'In' || operator === 'NotIn' || operator === 'Exists' || operator === 'DoesNotExist'
}

function isTexts(values: Json): values is readonly string[] {
  return Array.isArray(values) && values.every(value => typeof value === 'string')
}

function checked(
  requirement: LabelRequirement,
  target: SelectorTarget,
  path: readonly (string | number)[],
): LabelRequirement {
  const { key, operator, values } = requirement
  const mistake = qualifiedNameMistake(key)
  if (mistake !== undefined) throw invalid(`key: Invalid value: ${goQuote(key)}: ${mistake}`, path)
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    throw invalid("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty", path)
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    throw invalid('values: Invalid value: values set must be empty for exists and does not exist', path)
  }
  if (target === 'labels') {
    for (const [index, value] of values.entries()) {
      if (!isLabelValue(value)) {
        throw invalid(
          `values[${index}][${key}]: Invalid value: ${goQuote(value)}: a label value has at most 63 characters: ` +
            "letters, digits, '-', '_' and '.', with a letter or digit at both ends",
          path,
        )
      }
    }
  }
  return requirement
}

/** Why `key` is no Kubernetes qualified name (`example.com/name`), or undefined. */
export function qualifiedNameMistake(key: string): string | undefined {
  const parts = key.split('/')
  if (parts.length > 2) return 'a qualified name has one slash at most, between an optional DNS prefix and the name'
  const name = parts.at(-1)!
  if (parts.length === 2 && !isDnsSubdomain(parts[0]!)) {
    return "prefix part must be a DNS subdomain: lower-case letters, digits, '-' and '.', a letter or digit at both ends"
  }
  if (name === '') return 'name part must be non-empty'
  if (name.length > 63) return 'name part must be no more than 63 bytes'
  if (!isPlainName(name)) {
    return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  }
  return undefined
}

function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && isPlainName(value))
}

function isPlainName(name: string): boolean {
  return /^[-A-Za-z0-9_.]+$/.test(name) && /^[A-Za-z0-9]/.test(name) && /[A-Za-z0-9]$/.test(name)
}

/** RFC 1123: at most 253 characters, labels of lower-case letters, digits and inner dashes. */
export function isDnsSubdomain(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false
  return name.split('.').every(label => /^[a-z0-9-]+$/.test(label) && !label.startsWith('-') && !label.endsWith('-'))
}

function invalid(message: string, path: readonly (string | number)[] = [], hint?: string): TemplateError {
  return new TemplateError('SELECTOR_INVALID', message, { path, hint })
}

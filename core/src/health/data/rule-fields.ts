import type { Test, Value } from './data-rule.ts'

/** What a field of a test or a value holds. */
export type Field =
  | 'path'
  | 'paths'
  | 'path or number'
  /** Path of a list or an object, which may have `*` in it. */
  | 'entries'
  | 'test'
  | 'test of an entry'
  | 'tests'
  | 'message'
  | 'message of an entry'
  | 'messages'
  | 'choices'
  | 'values'
  | 'text'
  | 'texts'
  | 'scalar'
  | 'scalars'
  | 'flag'
  | 'whole number'
  | 'operator'

export interface FieldRule {
  readonly reads: Field
  readonly optional: boolean
}

export type Fields = { readonly [field: string]: FieldRule }

/** The fields of a kind: each of its own, and no other. */
type FieldsOf<Part> = { readonly [Name in keyof Omit<Part, 'kind'>]-?: FieldRule }

function needs(reads: Field): FieldRule {
  return { reads, optional: false }
}

function may(reads: Field): FieldRule {
  return { reads, optional: true }
}

/** In the order in which a parser reads them: what names may be used by follows them. */
export const TEST_FIELDS: { readonly [Kind in Test['kind']]: FieldsOf<Extract<Test, { readonly kind: Kind }>> } = {
  condition: {
    types: may('texts'),
    notTypes: may('texts'),
    statuses: may('texts'),
    notStatuses: may('texts'),
    reasons: may('texts'),
    notReasons: may('texts'),
    messages: may('texts'),
    severities: may('texts'),
    notSeverities: may('texts'),
    current: may('flag'),
    at: may('path'),
  },
  equals: { at: needs('path'), oneOf: needs('scalars') },
  present: { at: needs('path') },
  filled: { at: needs('path') },
  starts: { at: needs('path'), prefix: needs('text') },
  number: { at: needs('path') },
  compare: { at: needs('path'), operator: needs('operator'), to: needs('path or number') },
  same: { at: needs('path'), to: needs('path') },
  earlier: { at: needs('path'), than: needs('path') },
  recent: { at: needs('path'), seconds: needs('whole number') },
  stale: { at: needs('path'), orMissing: may('flag') },
  some: { of: needs('entries'), where: needs('test of an entry') },
  all: { of: needs('tests') },
  any: { of: needs('tests') },
  not: { test: needs('test') },
}

export const VALUE_FIELDS: { readonly [Kind in Value['kind']]: FieldsOf<Extract<Value, { readonly kind: Kind }>> } = {
  first: { of: needs('paths'), otherwise: may('scalar') },
  choose: { lines: needs('choices'), otherwise: needs('message') },
  count: { of: needs('entries'), where: may('test of an entry') },
  sum: { of: needs('entries') },
  difference: { at: needs('path'), minus: needs('path or number') },
  find: { of: needs('entries'), where: may('test of an entry'), last: may('flag') },
  join: {
    of: needs('entries'),
    where: may('test of an entry'),
    values: may('values'),
    through: may('test of an entry'),
    each: needs('message of an entry'),
    separator: needs('text'),
  },
  texts: { of: needs('messages'), separator: needs('text') },
  part: { at: needs('path'), separator: needs('text'), index: needs('whole number') },
  start: { at: needs('path'), length: needs('whole number') },
}

/** The kinds, as a sentence names them. */
export const KINDS = {
  tests: Object.keys(TEST_FIELDS).join(', '),
  values: Object.keys(VALUE_FIELDS).join(', '),
} as const

import { RE2JS } from 're2js'
import type { TextPattern } from '../jq/jq-values.ts'

const FLAGS: { readonly [flag: string]: number } = {
  i: RE2JS.CASE_INSENSITIVE,
  s: RE2JS.DOTALL,
  x: 0,
  g: 0,
  l: 0,
  n: 0,
  p: RE2JS.DOTALL,
}

/**
 * A pattern whose time grows with the text alone, whatever its author had in mind.
 *
 * @throws when it is no pattern.
 */
export function linearPattern(source: string, flags: string): TextPattern {
  const pattern = RE2JS.compile(
    source,
    [...flags].reduce((all, flag) => all | (FLAGS[flag] ?? 0), 0),
  )
  return text => pattern.matcher(text).find()
}

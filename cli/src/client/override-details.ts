import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { printable } from '../output/table.ts'
import { zoned } from './gate-columns.ts'

/** What stands below the table of one override: rules, people, uses. */
export function overrideDetails(row: JsonObject): string {
  const lines: string[] = ['']
  const rules = listAt(row, 'rules')
  lines.push(rules.length === 0 ? 'nothing would have blocked when it was asked for' : 'would have blocked:')
  for (const rule of rules) {
    const owner = textAt(rule, 'owner')
    lines.push(`  ${textAt(rule, 'name')}${owner === '' ? '' : ` (owned by ${owner})`}`)
  }
  for (const each of listAt(row, 'approvals')) {
    const comment = textAt(each, 'comment')
    lines.push(
      `approved by ${textAt(each, 'by')} at ${zoned(textAt(each, 'at'))}${comment === '' ? '' : `: ${comment}`}`,
    )
  }
  for (const use of listAt(row, 'uses')) {
    lines.push(`used for ${textAt(use, 'application')} by ${textAt(use, 'by')} at ${zoned(textAt(use, 'at'))}`)
  }
  for (const [key, what] of [
    ['revoked', 'reason'],
    ['review', 'comment'],
  ] as const) {
    const each = valueAt(row, key)
    if (textAt(each, 'by') === '') continue
    const word = key === 'review' ? 'reviewed' : key
    lines.push(`${word} by ${textAt(each, 'by')} at ${zoned(textAt(each, 'at'))}: ${textAt(each, what)}`)
  }
  if (valueAt(row, 'needsReview') === true) lines.push('somebody has to look back at it: flotilla override review')
  return `${lines.map(printable).join('\n')}\n`
}

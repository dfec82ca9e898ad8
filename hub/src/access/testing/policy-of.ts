import { parsePolicy } from '@flotilla/core/access/parse-policy'
import type { AccessSettings } from '@flotilla/core/access/policy'
import { DEFAULT_SCOPES } from '@flotilla/core/access/principal'
import { AccessKeeper } from '../access-keeper.ts'

/** A policy of these rows beside the built-in ones. @throws Error for rows that cannot be read. */
export function policyOf(rows: string, more: Omit<AccessSettings, 'rows'> = {}): AccessKeeper {
  const keeper = new AccessKeeper()
  putRows(keeper, rows, more)
  return keeper
}

/** Puts other rows in force. */
export function putRows(keeper: AccessKeeper, rows: string, more: Omit<AccessSettings, 'rows'> = {}): void {
  const parsed = parsePolicy(rows, (line, column) => ({ file: 'policy.csv', line, column }))
  if (parsed.mistakes.length > 0) throw new Error(parsed.mistakes.map(({ message }) => message).join('; '))
  keeper.put({ settings: { ...more, rows: parsed.rows }, scopes: DEFAULT_SCOPES })
}

import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'

/**
 * A row as the one canonical text, so that "is it still the same?" is a comparison of texts, whatever order its
 * members were built in. Members that are `undefined` are as if absent; integers keep every digit.
 */
export function encodeRow(row: object): string {
  return canonicalJson(row as unknown as Json)
}

/** The row that {@link encodeRow} wrote. The text is our own: it is trusted to have the row's shape. */
export function decodeRow<Row>(text: string): Row {
  return parseJson(text) as unknown as Row
}

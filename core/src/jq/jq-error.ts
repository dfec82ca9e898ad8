/** A jq expression cannot be computed for a document: a loop over a number, or more steps than it may take. */
export class JqError extends Error {
  override name = 'JqError'
}

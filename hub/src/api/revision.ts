/** The revision that an `If-Match` names: `"3"`. Undefined when it names something else, such as the tag of a read. */
export function revisionIn(header: string | undefined): number | undefined {
  const found = header === undefined ? null : /^\s*"?(\d{1,9})"?\s*$/.exec(header)
  return found === null ? undefined : Number(found[1])
}

/** Sets by key; a key without values is not kept. */
export function addTo(lists: Map<string, Set<string>>, key: string, value: string): void {
  const values = lists.get(key)
  if (values === undefined) lists.set(key, new Set([value]))
  else values.add(value)
}

export function removeFrom(lists: Map<string, Set<string>>, key: string, value: string): void {
  const values = lists.get(key)
  values?.delete(value)
  if (values?.size === 0) lists.delete(key)
}

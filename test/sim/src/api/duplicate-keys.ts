/**
 * Finds keys that stand twice in one object of a JSON text, as dotted paths (`spec.template`, `a[0].b`). The text must
 * be valid JSON.
 */
export function duplicateKeys(text: string): readonly string[] {
  const found: string[] = []
  const scopes: { readonly path: string; readonly keys?: Set<string>; index: number }[] = []
  let path = ''
  let index = 0
  let expectKey = false
  while (index < text.length) {
    const character = text[index]!
    const scope = scopes[scopes.length - 1]
    if (character === '"') {
      const end = endOfString(text, index)
      if (expectKey && scope?.keys) {
        const key = JSON.parse(text.slice(index, end)) as string
        path = scope.path === '' ? key : `${scope.path}.${key}`
        if (scope.keys.has(key)) found.push(path)
        scope.keys.add(key)
        expectKey = false
      }
      index = end
      continue
    }
    if (character === '{') {
      scopes.push({ path: valuePath(scope, path), keys: new Set(), index: 0 })
      expectKey = true
    } else if (character === '[') scopes.push({ path: valuePath(scope, path), index: 0 })
    else if (character === '}' || character === ']') scopes.pop()
    else if (character === ',') {
      expectKey = scope?.keys !== undefined
      if (scope && !scope.keys) scope.index++
    }
    index++
  }
  return found
}

function valuePath(
  scope: { readonly path: string; readonly keys?: Set<string>; index: number } | undefined,
  path: string,
): string {
  if (!scope) return ''
  return scope.keys ? path : `${scope.path}[${scope.index}]`
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  while (text[index] !== '"') index += text[index] === '\\' ? 2 : 1
  return index + 1
}

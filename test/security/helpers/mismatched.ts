/**
 * A good body with every way of naming another thing than the path does: whoever authorises what a request says and
 * changes what is stored under another name is caught by one of them.
 */
export function mismatched(good: object, other: string): readonly (readonly [what: string, body: object])[] {
  const names = ['name', 'id', 'application', 'applicationName', 'appNamespace', 'project', 'cluster', 'server', 'uid']
  return [
    ...names.map(field => [`another ${field}`, { ...good, [field]: other }] as const),
    ['another metadata.name', { ...good, metadata: { name: other } }],
    ['another spec.project', { ...good, spec: { project: other, destination: { name: other } } }],
    ['its own prototype', JSON.parse(`{"__proto__":{"name":"${other}","project":"${other}"}}`)],
  ]
}

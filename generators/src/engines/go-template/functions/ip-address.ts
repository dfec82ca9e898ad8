/** The four bytes of `192.0.2.1`; leading zeros are refused, since some read them as octal. */
export function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined
  }
  return parts.map(Number)
}

/** The sixteen bytes of an IPv6 address without a zone. */
export function parseIpv6(text: string): readonly number[] | undefined {
  const gap = text.indexOf('::')
  if (gap >= 0 && text.indexOf('::', gap + 1) >= 0) return undefined
  const head = groupsOf(gap < 0 ? text : text.slice(0, gap), gap < 0)
  const tail = gap < 0 ? [] : groupsOf(text.slice(gap + 2), true)
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (gap < 0 ? missing !== 0 : missing < 2) return undefined
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

/** Bytes of `a:b:c`; the last part may be an IPv4 address. */
function groupsOf(text: string, last: boolean): readonly number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const bytes: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      const value = Number.parseInt(part, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const ipv4 = last && index === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 === undefined) return undefined
    bytes.push(...ipv4)
  }
  return bytes
}

/** What may stand in the brackets of a URL: an IPv6 address, with a zone or without. */
export function isIpLiteral(text: string): boolean {
  const zone = text.indexOf('%')
  if (zone === text.length - 1 && zone >= 0) return false
  return parseIpv6(zone < 0 ? text : text.slice(0, zone)) !== undefined
}

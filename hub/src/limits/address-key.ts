/**
 * What failures are counted by: an IPv4 address, or the network of an IPv6 one, because whoever has one of those has
 * all the addresses in it.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [plain = ''] = address.split('%', 1)
  if (!plain.includes(':')) return address.slice(0, 64)
  const [before = '', after] = plain.toLowerCase().split('::', 2)
  const head = before === '' ? [] : before.split(':')
  const tail = after ? after.split(':') : []
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail].slice(0, 4)
  return `${groups.map(group => group.replace(/^0+(?=.)/, '').slice(0, 4)).join(':')}::/64`
}

import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { SendError } from './send-error.ts'

/**
 * Networks in which no receiver of messages is: this machine, its neighbours by link, metadata of clouds, and what
 * has no single owner. A document could otherwise make the hub speak to what only the hub can reach.
 */
const SPECIAL = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['100.100.100.200/32', '::/128', '::1/128', 'fe80::/10', 'fec0::/10', 'ff00::/8', 'fd00:ec2::254/128'],
]

/** Says which addresses may be spoken to, and resolves names so that only those are. */
export class AddressGuard {
  readonly #special = blockList(SPECIAL)
  readonly #allowed: BlockList

  /** @param allowed Networks of the special ones that are let through, `127.0.0.0/8`. */
  constructor(allowed: readonly string[]) {
    this.#allowed = blockList(allowed)
  }

  isRefused(address: string): boolean {
    const plain = unmapped(address)
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4'
    return this.#special.check(plain, family) && !this.#allowed.check(plain, family)
  }

  /** A host as it is written, where a proxy resolves it. @throws SendError `NOTIFY_ADDRESS_REFUSED` */
  checkWritten(host: string): readonly never[] {
    const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
    const here = bare === 'localhost' || bare.endsWith('.localhost')
    if (this.isRefused(here ? '127.0.0.1' : bare) && (here || isIP(bare) !== 0)) throw refused(bare)
    return []
  }

  /**
   * The addresses of a host. Whoever connects connects to one of these: a name that resolves differently a moment
   * later leads nowhere else.
   *
   * @throws SendError `NOTIFY_ADDRESS_REFUSED`, `NOTIFY_UNREACHABLE`
   */
  async resolve(host: string): Promise<readonly { readonly address: string; readonly family: 4 | 6 }[]> {
    const bare = host.replace(/^\[|\]$/g, '')
    const found = isIP(bare)
      ? [{ address: bare, family: isIP(bare) }]
      : await lookup(bare, { all: true, verbatim: true }).catch((cause: unknown) => {
          throw new SendError('NOTIFY_UNREACHABLE', bare, 'the name cannot be resolved', { retry: true, cause })
        })
    if (found.length === 0 || found.some(({ address }) => this.isRefused(address))) throw refused(bare)
    return found as readonly { address: string; family: 4 | 6 }[]
  }
}

function refused(host: string): SendError {
  const message = 'it has an address that no message is sent to; notifications.allowedNetworks allows it'
  return new SendError('NOTIFY_ADDRESS_REFUSED', host, message, { retry: false })
}

/** A look-up for sockets that knows nothing but what was resolved before. */
export function pinnedLookup(
  addresses: readonly { readonly address: string; readonly family: 4 | 6 }[],
): LookupFunction {
  return (_host, options, callback) => {
    const wanted = addresses.filter(({ family }) => !options.family || options.family === family)
    const [first] = wanted
    if (first === undefined) callback(new Error('no address of that family'), '', 4)
    else if (options.all) callback(null, [...wanted])
    else callback(null, first.address, first.family)
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(length), family)
  }
  return list
}

/** `::ffff:169.254.169.254` is what it maps to, and so is its translation by NAT64. */
function unmapped(address: string): string {
  const bare = address.toLowerCase().replace(/%.*$/, '')
  const dotted = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  if (dotted !== null) return dotted[1]!
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(bare)
  if (hex === null) return bare
  const [high, low] = [Number.parseInt(hex[1]!, 16), Number.parseInt(hex[2]!, 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

import type { Json } from '@flotilla/core/json/json'
import type { SecretRef } from '@flotilla/core/notify/route'
import { HostError } from '../hosts/host-error.ts'
import { FolderSecrets, type SecretSettings } from '../hosts/host-secrets.ts'
import { SendError } from './send-error.ts'

/** Where a Secret that holds its own address is sent is known when it has been read. */
const ANYWHERE = 'https://anywhere.invalid'

/**
 * Credentials of targets: keys of Secrets in the hub's folder, as Git hosts have them, read at each use. Only sources
 * that may declare everything have routes, so what `secrets` of hub.yaml grants to projects alone is not for them.
 */
export class RouteSecrets {
  readonly #settings: SecretSettings

  constructor(settings: SecretSettings) {
    this.#settings = settings
  }

  /**
   * @param goesTo Where it will be sent, for `hosts` of its grant.
   * @throws SendError `NOTIFY_SECRET`
   */
  async read(ref: SecretRef, goesTo: URL): Promise<string> {
    const text = await this.#text(ref)
    this.#check(ref, goesTo)
    return text
  }

  /** A Secret that is an address. @throws SendError `NOTIFY_SECRET` */
  async readUrl(ref: SecretRef): Promise<URL> {
    const text = await this.#text(ref)
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      throw refused(ref, 'is no https:// address')
    }
    this.#check(ref, url)
    return url
  }

  #check(ref: SecretRef, goesTo: URL): void {
    const hosts = this.#settings.secrets.find(({ name }) => name === ref.secretName)?.hosts
    const allowed = hosts?.some(each => URL.canParse(each) && sameHost(new URL(each), goesTo))
    if (allowed === false) throw refused(ref, `may not be sent to ${goesTo.host}; hosts of the secret allow it`)
  }

  async #text(ref: SecretRef): Promise<string> {
    const grant = this.#settings.secrets.find(({ name }) => name === ref.secretName)
    if (grant?.projects !== undefined && !grant.projects.includes('*')) {
      throw refused(ref, 'is granted to sets of projects, and not to notification routes')
    }
    const settings = { ...this.#settings, secrets: [{ name: ref.secretName, hosts: [ANYWHERE] }] }
    const folder = new FolderSecrets(settings, [ref.secretName])
    try {
      const text = await folder.secret({ ...ref } as unknown as Json, ANYWHERE)
      if (text === '') throw refused(ref, 'is empty')
      return text
    } catch (error) {
      if (error instanceof HostError) throw refused(ref, `cannot be read: ${error.message}`, true)
      throw error
    }
  }
}

function sameHost(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && a.host === b.host
}

function refused({ secretName, key }: SecretRef, why: string, retry = false): SendError {
  return new SendError('NOTIFY_SECRET', `secret ${secretName}/${key}`, why, { retry })
}

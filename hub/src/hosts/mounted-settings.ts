import { HostError } from './host-error.ts'
import { FolderSecrets, type SecretSettings } from './host-secrets.ts'
import type { MountedSettings } from './plugins.ts'

/** The keys of a plugin's ConfigMap (applicationsets.md 9.9). */
const KEYS = ['baseUrl', 'token', 'requestTimeout']

/**
 * A plugin's ConfigMap and Secret from the folders in which the hub has those of an Argo CD: `configMapsFolder` and
 * `secretsFolder`. The ConfigMap says where the token goes, so the token goes there and nowhere else.
 */
export function mountedSettings(settings: Pick<SecretSettings, 'configMapsFolder' | 'secretsFolder'>): MountedSettings {
  const folders = (secrets: SecretSettings['secrets'], allowed: readonly string[]): FolderSecrets =>
    new FolderSecrets({ ...settings, secrets, allowedProviders: [] }, allowed)
  return {
    async configMap(name) {
      const texts = new Map<string, string>()
      for (const key of KEYS) {
        const text = await ifThere(() => folders([], []).configMap({ configMapName: name, key }))
        if (text !== undefined) texts.set(key, text.trim())
      }
      return texts.size === 0 ? undefined : texts
    },
    secret: async (name, key, baseUrl) =>
      await folders([{ name, hosts: [baseUrl] }], [name]).secret({ secretName: name, key }, baseUrl),
  }
}

async function ifThere(read: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await read()
  } catch (error) {
    const absent = error instanceof HostError && ['HOST_SECRET_MISSING', 'HOST_CONFIG_INVALID'].includes(error.code)
    if (absent) return undefined
    throw error
  }
}

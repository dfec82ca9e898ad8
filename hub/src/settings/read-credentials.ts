import { nearest } from '@flotilla/core/text/nearest'
import type { SettingProblem } from './compile-hub-options.ts'

/** A named credential for repositories; what ends in `File` is read when it is used, so that it can be changed. */
export interface ConfiguredCredential {
  readonly name: string
  /** Used for every repository whose URL begins with one of these, besides those that name it. */
  readonly urls: readonly string[]
  readonly username?: string
  readonly password?: string
  readonly passwordFile?: string
  readonly sshPrivateKeyFile?: string
  readonly sshKnownHostsFile?: string
  readonly certificateAuthorityFile?: string
}

const TEXTS = [
  'username',
  'password',
  'passwordFile',
  'sshPrivateKeyFile',
  'sshKnownHostsFile',
  'certificateAuthorityFile',
] as const
const KEYS = ['name', 'urls', ...TEXTS]

/** Reads `credentials`. What is refused is named by its field; its value is never repeated. */
export function readCredentials(
  loose: unknown,
  refuse: (problem: SettingProblem) => void,
): readonly ConfiguredCredential[] {
  const field = 'credentials'
  if (loose === undefined) return []
  if (!Array.isArray(loose)) {
    refuse({ field, message: 'must be a list of credentials' })
    return []
  }
  const credentials = loose.map((entry: unknown, index) => readCredential(entry, `${field}[${index}]`, refuse))
  const seen = new Set<string>()
  credentials.forEach((credential, index) => {
    if (seen.has(credential.name)) {
      refuse({ field: `${field}[${index}].name`, message: 'is the name of another credential' })
    }
    seen.add(credential.name)
  })
  return credentials
}

function readCredential(
  entry: unknown,
  field: string,
  refuse: (problem: SettingProblem) => void,
): ConfiguredCredential {
  const given = (typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry : {}) as Readonly<
    Record<string, unknown>
  >
  for (const key of Object.keys(given)) {
    if (KEYS.includes(key)) continue
    const near = nearest(key, KEYS)
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` }
    refuse({ field: `${field}.${key}`, message: 'is not a field of a credential', ...hint })
  }
  const texts: { -readonly [Key in (typeof TEXTS)[number]]?: string } = {}
  for (const key of TEXTS) {
    const value = given[key]
    if (value === undefined) continue
    if (typeof value === 'string' && value !== '') texts[key] = value
    else refuse({ field: `${field}.${key}`, message: 'must be a text that is not empty' })
  }
  if (texts.password !== undefined && texts.passwordFile !== undefined) {
    refuse({ field: `${field}.password`, message: 'cannot stand beside passwordFile' })
  }
  const name = typeof given['name'] === 'string' ? given['name'] : ''
  if (name === '') refuse({ field: `${field}.name`, message: 'is needed' })
  const urls = given['urls'] ?? []
  const right = Array.isArray(urls) && urls.every(url => typeof url === 'string' && url !== '')
  if (!right) refuse({ field: `${field}.urls`, message: 'must be a list of texts' })
  return { name, urls: right ? (urls as string[]) : [], ...texts }
}

import { compileGlob } from '../glob/glob.ts'
import { type KeyId, readKeyId } from '../signature/key-id.ts'
import { normaliseRepositoryUrl, repositorySpellings } from './repository-url.ts'

/** `head`: the commit (or annotated tag) itself is signed; `strict`: every commit that it builds on, too. */
export type SignatureMode = 'head' | 'strict'

/** What has to be signed, and by whom, before anything of a repository is rendered. */
export interface SignaturePolicy {
  readonly mode: SignatureMode
  /** As they are written, each one readable. */
  readonly keys: readonly string[]
  /** For people: who asks for it. */
  readonly by: string
}

/** The fields of a Project that ask for signatures (Argo CD's, older and newer). */
export interface SourceIntegrityFields {
  readonly signatureKeys?: readonly { readonly keyID: string }[]
  readonly sourceIntegrity?: {
    readonly git?: {
      readonly policies?: readonly {
        /** Globs over URLs, in which a star stands for slashes too; `!glob` takes away. */
        readonly repos: readonly (string | { readonly url: string })[]
        readonly gpg: { readonly mode: 'none' | SignatureMode; readonly keys?: readonly string[] }
      }[]
    }
  }
}

/** Public keys that the fleet declares; which of them count, a policy says. */
export interface SigningKeys {
  /** In armour, one or several keys each. */
  readonly openpgp: readonly string[]
  /** Lines as in `authorized_keys`, without options. */
  readonly ssh: readonly string[]
}

/**
 * What a Project asks of commits of a repository; undefined when nothing. Of the policies of `sourceIntegrity` the first
 * one counts that matches; without `sourceIntegrity`, `signatureKeys` are asked for at every repository. Two spellings
 * of one repository are one, or another spelling would be a way around.
 */
export function signaturePolicyOf(
  project: { readonly name: string; readonly spec: SourceIntegrityFields },
  url: string,
): SignaturePolicy | undefined {
  const { signatureKeys = [], sourceIntegrity } = project.spec
  const by = `project "${project.name}"`
  if (sourceIntegrity === undefined) {
    if (signatureKeys.length === 0) return undefined
    return { mode: 'head', keys: signatureKeys.map(({ keyID }) => keyID), by }
  }
  const policy = sourceIntegrity.git?.policies?.find(({ repos, gpg }) =>
    namesRepository(repos, url, gpg.mode === 'none' ? 'lets' : 'asks'),
  )
  if (policy === undefined || policy.gpg.mode === 'none') return undefined
  return { mode: policy.gpg.mode, keys: policy.gpg.keys ?? [], by }
}

/**
 * Whether a list of patterns names a repository: one matches, and none that begins with `!` does.
 *
 * @param reading Whether those who are named are asked for signatures, or let through without.
 */
export function namesRepository(
  patterns: readonly (string | { readonly url: string })[],
  url: string,
  reading: 'asks' | 'lets' = 'asks',
): boolean {
  const narrow = [normaliseRepositoryUrl(url)]
  const wide = [url, ...repositorySpellings(url)]
  let named = false
  for (const entry of patterns) {
    const pattern = typeof entry === 'string' ? entry : entry.url
    const negated = pattern.startsWith('!')
    const bare = negated ? pattern.slice(1) : pattern
    // What takes away is read narrowly, what asks for signatures widely, so that no spelling is a way around.
    const wanted = negated === (reading === 'asks') ? narrow : wide
    const matches = bare === '*' || [bare, normaliseRepositoryUrl(bare)].some(one => wanted.some(globOf(one)))
    if (negated && matches) return false
    if (!negated && matches) named = true
  }
  return named
}

/** Keys that cannot be what somebody meant, with where they stand inside the Project's spec. */
export function sourceIntegrityMistakes(
  spec: SourceIntegrityFields,
): readonly { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const { signatureKeys = [], sourceIntegrity } = spec
  const wrong = (text: string): string | undefined => {
    const key: KeyId = readKeyId(text)
    return key.kind === 'mistake' ? `"${text}" ${key.message}` : undefined
  }
  const both = signatureKeys.length > 0 && sourceIntegrity !== undefined
  return [
    ...(both
      ? [{ path: ['signatureKeys'], message: 'stands beside sourceIntegrity, which replaces it: move its keys there' }]
      : []),
    ...signatureKeys.flatMap(({ keyID }, index) => {
      const message = wrong(keyID)
      return message === undefined ? [] : [{ path: ['signatureKeys', index, 'keyID'], message }]
    }),
    ...(sourceIntegrity?.git?.policies ?? []).flatMap(({ gpg }, index) =>
      (gpg.keys ?? []).flatMap((text, at) => {
        const message = wrong(text)
        const path = ['sourceIntegrity', 'git', 'policies', index, 'gpg', 'keys', at]
        return message === undefined ? [] : [{ path, message }]
      }),
    ),
  ]
}

function globOf(pattern: string): (text: string) => boolean {
  try {
    return compileGlob(pattern, '')
  } catch {
    return text => text === pattern // a pattern that is no glob names only itself
  }
}

/** A key as policies name it: sixteen digits or more of OpenPGP's, or the fingerprint of an SSH key. */
export type KeyId =
  /** Upper-case hexadecimal: a long key id (16 digits), or a whole fingerprint (40 or 64). */
  | { readonly kind: 'openpgp'; readonly id: string }
  /** As `ssh-keygen -l` prints it: `SHA256:` and 43 characters of base64. */
  | { readonly kind: 'ssh'; readonly id: string }
  | { readonly kind: 'mistake'; readonly message: string }

/**
 * Reads how a policy names a key. Blanks and a leading `0x` of OpenPGP's ids do not matter. Eight digits are not
 * enough: anybody can make a key that has them.
 *
 * @example
 * readKeyId('0x4aee18f83afdeb23') // => { kind: 'openpgp', id: '4AEE18F83AFDEB23' }
 */
export function readKeyId(text: string): KeyId {
  const trimmed = text.trim()
  if (trimmed.startsWith('SHA256:')) {
    const fingerprint = trimmed.replace(/=+$/, '')
    if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(fingerprint)) return { kind: 'ssh', id: fingerprint }
    return { kind: 'mistake', message: 'is no fingerprint of an SSH key: SHA256: and 43 characters of base64' }
  }
  const id = trimmed.replace(/\s+/g, '').replace(/^0x/i, '').toUpperCase()
  if (/^(?:[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64})$/.test(id)) return { kind: 'openpgp', id }
  if (/^[0-9A-F]{8}$/.test(id)) {
    return { kind: 'mistake', message: 'has eight digits, which anybody can make a key for: write sixteen or more' }
  }
  const message = 'is no id of a key: 16 hexadecimal digits, a whole fingerprint, or SHA256:… of an SSH key'
  return { kind: 'mistake', message }
}

/**
 * Whether one of the allowed ids names this OpenPGP key: its primary key, or the subkey that has signed.
 *
 * @param fingerprints Upper-case hexadecimal, of the primary key and of the subkey.
 */
export function namesOpenPgpKey(allowed: readonly KeyId[], fingerprints: readonly string[]): boolean {
  return allowed.some(
    key => key.kind === 'openpgp' && fingerprints.some(one => one === key.id || longIdOf(one) === key.id),
  )
}

/** The last 16 digits of a fingerprint of version 4, the first 16 of a longer one. */
export function longIdOf(fingerprint: string): string {
  return fingerprint.length > 40 ? fingerprint.slice(0, 16) : fingerprint.slice(-16)
}

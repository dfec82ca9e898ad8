import { createHash } from 'node:crypto'

/** A strong ETag over what is sent: the same bytes, the same tag, whoever asks and whichever run of the hub answers. */
export function entityTag(bytes: string | Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
}

/** Whether a list of tags (`If-None-Match`, `If-Match`) names this one; `*` names every one. */
export function namesTag(header: string, tag: string): boolean {
  const given = header.split(',').map(each => each.trim().replace(/^W\//, ''))
  return given.includes('*') || given.includes(tag)
}

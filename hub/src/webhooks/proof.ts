import { createHmac, timingSafeEqual } from 'node:crypto'

/** Compares in constant time, lengths included. */
export function equalText(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** The HMAC-SHA-256 of a body, in hexadecimal. */
export function hmacOf(rawBody: Uint8Array, secret: string): string {
  return createHmac('sha256', secret).update(rawBody).digest('hex')
}

/** Whether a header `sha256=<hex>` is that of the body; the older SHA-1 is no proof. */
export function provesHmac(header: string | undefined, rawBody: Uint8Array, secret: string): boolean {
  return header !== undefined && equalText(header.toLowerCase(), `sha256=${hmacOf(rawBody, secret)}`)
}

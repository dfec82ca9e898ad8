import { isIP } from 'node:net'
import type { RouteTarget } from '@flotilla/core/notify/route'
import { escapeHtml } from './escape.ts'
import type { Sending, SendParts } from './send.ts'
import { SendError } from './send-error.ts'

const TIMEOUT_MS = 30_000
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 }

/**
 * Sends one mail to everybody of its target. The `Message-ID` is the message's own, so that a repeat is known to be
 * one; later messages about the same are replies to the first.
 *
 * @throws SendError
 */
export async function sendMail(
  target: RouteTarget & { readonly kind: 'email' },
  { message, content: { title, body }, first }: Sending,
  { guard, secrets }: SendParts,
): Promise<string> {
  const server = new URL(target.server)
  const subject = server.host
  const host = server.hostname.replace(/^\[|\]$/g, '')
  const [address] = await guard.resolve(host)
  const hasPassword = target.usernameRef !== undefined && target.passwordRef !== undefined
  const auth = hasPassword
    ? { user: await secrets.read(target.usernameRef, server), pass: await secrets.read(target.passwordRef, server) }
    : undefined
  const secure = server.protocol === 'smtps:'
  // Loaded when there is mail: most hubs send none.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host: address!.address,
    port: server.port === '' ? DEFAULT_PORTS[server.protocol]! : Number(server.port),
    secure,
    // A password in the clear would be anybody's on the way.
    requireTLS: !secure && hasPassword,
    tls: { ...(isIP(host) === 0 && { servername: host }), minVersion: 'TLSv1.2' },
    ...(auth !== undefined && { auth }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = /@([A-Za-z0-9.-]+)>?$/.exec(target.from)?.[1] ?? 'flotilla.invalid'
  const messageId = `<${message.id}@${domain}>`
  try {
    await transport.sendMail({
      from: target.from,
      to: [...target.to],
      subject: title,
      text: body,
      html: `<pre style="font-family:inherit;white-space:pre-wrap">${linked(escapeHtml(body))}</pre>`,
      messageId,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Flotilla-Message': message.id },
      ...(first !== undefined && { inReplyTo: first, references: [first] }),
    })
    return first ?? messageId
  } catch (error) {
    throw refusal(subject, error)
  } finally {
    transport.close()
  }
}

/** Addresses become links; the text is escaped before. */
function linked(html: string): string {
  return html.replaceAll(/\bhttps?:\/\/[^\s<>"']+/g, url => `<a href="${url}">${url}</a>`)
}

/** The server's words are not repeated: they may hold what was sent. Its code says enough. */
function refusal(subject: string, error: unknown): SendError {
  const { responseCode, code } = error as { responseCode?: number; code?: string }
  if (responseCode !== undefined) {
    // 5xx is for good, but for a login: a rotated password is there a moment later.
    const retry = responseCode < 500 || code === 'EAUTH'
    const why = code === 'EAUTH' ? 'refuses the login' : 'refuses the message'
    return new SendError(retry ? 'NOTIFY_UNAVAILABLE' : 'NOTIFY_REFUSED', subject, `${why} (${responseCode})`, {
      retry,
      cause: error,
    })
  }
  const shown = code === undefined ? '' : ` (${code})`
  return new SendError('NOTIFY_UNREACHABLE', subject, `cannot be reached${shown}`, { retry: true, cause: error })
}

import { createHmac } from 'node:crypto'
import type { JsonObject } from '@flotilla/core/json/json'
import type { RouteTarget } from '@flotilla/core/notify/route'
import type { MessageRow } from '@flotilla/core/ports/store'
import { setCommitStatus } from './commit-status.ts'
import { type PostParts, postJson } from './post-json.ts'
import type { RouteSecrets } from './route-secrets.ts'
import { SendError } from './send-error.ts'
import { sendMail } from './send-mail.ts'

/** What senders stand on. */
export interface SendParts extends PostParts {
  readonly secrets: RouteSecrets
}

export interface Sending {
  readonly message: MessageRow
  readonly content: MessageContent
  /** The receipt of the first message about the same, where there is one. */
  readonly first: string | undefined
  readonly signal: AbortSignal
}

/** What is kept of a message until it is sent. */
export interface MessageContent {
  readonly title: string
  readonly body: string
  /** The values that templates had, unescaped. */
  readonly context: JsonObject
}

/**
 * Sends one message to one target, once.
 *
 * @returns The receipt by which later messages belong to it, where the target has such a thing.
 * @throws SendError
 */
export async function send(target: RouteTarget, sending: Sending, parts: SendParts): Promise<string | undefined> {
  switch (target.kind) {
    case 'slack':
      return await sendSlack(target, sending, parts)
    case 'teams': {
      const url = await parts.secrets.readUrl(target.urlRef)
      await postJson({ url, body: JSON.stringify(card(sending.content)), signal: sending.signal }, parts)
      return undefined
    }
    case 'email':
      return await sendMail(target, sending, parts)
    case 'webhook':
      await sendWebhook(target, sending, parts)
      return undefined
    case 'github':
    case 'gitlab':
      await setCommitStatus(target, sending, parts)
      return undefined
  }
}

async function sendSlack(
  target: RouteTarget & { readonly kind: 'slack' },
  { content: { title, body }, first, signal }: Sending,
  parts: SendParts,
): Promise<string | undefined> {
  const text = `*${title}*\n${body}`
  if (!('channel' in target)) {
    const url = await parts.secrets.readUrl(target.urlRef)
    await postJson({ url, body: JSON.stringify({ text, unfurl_links: false }), signal }, parts)
    return undefined
  }
  const url = new URL(`${target.api.replace(/\/$/, '')}/chat.postMessage`)
  const token = await parts.secrets.read(target.tokenRef, url)
  const message = {
    channel: target.channel,
    text,
    unfurl_links: false,
    ...(first !== undefined && { thread_ts: first }),
  }
  const headers = { authorization: `Bearer ${token}` }
  const answer = await postJson({ url, body: JSON.stringify(message), headers, signal }, parts)
  const { ok, error, ts } = readAnswer(answer.text)
  if (ok === true) return first ?? (typeof ts === 'string' ? ts : undefined)
  const code = typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : 'no reason'
  const retry = ['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'ratelimited'].includes(
    code,
  )
  throw new SendError(retry ? 'NOTIFY_UNAVAILABLE' : 'NOTIFY_REFUSED', url.host, `refused: ${code}`, { retry })
}

function readAnswer(text: string): { readonly ok?: unknown; readonly error?: unknown; readonly ts?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** A message as Teams' workflows take it: an Adaptive Card. */
function card({ title, body }: MessageContent): object {
  const lines = [
    { type: 'TextBlock', text: title, weight: 'Bolder', size: 'Medium', wrap: true },
    // Markdown joins lines that are not apart.
    { type: 'TextBlock', text: body.replaceAll('\n', '\n\n'), wrap: true },
  ]
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: lines,
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  }
}

async function sendWebhook(
  target: RouteTarget & { readonly kind: 'webhook' },
  { message, content: { title, body: text, context }, signal }: Sending,
  parts: SendParts,
): Promise<void> {
  const { urlRef, url: written, signingKeyRef, bearerRef } = target
  const url = urlRef === undefined ? new URL(written ?? '') : await parts.secrets.readUrl(urlRef)
  const body = JSON.stringify({ id: message.id, title, body: text, ...context })
  const seconds = String(Math.floor(parts.clock.now() / 1000))
  const headers: Record<string, string> = { 'webhook-id': message.id, 'webhook-timestamp': seconds }
  if (signingKeyRef !== undefined) {
    const key = await parts.secrets.read(signingKeyRef, url)
    headers['webhook-signature'] = signatureOf(key, message.id, seconds, body)
  }
  if (bearerRef !== undefined) headers['authorization'] = `Bearer ${await parts.secrets.read(bearerRef, url)}`
  await postJson({ url, body, headers, signal }, parts)
}

/**
 * The signature of Standard Webhooks, version 1.
 *
 * @param key `whsec_` and base64, or the key as it is.
 */
export function signatureOf(key: string, id: string, seconds: string, body: string): string {
  const bytes = key.startsWith('whsec_') ? Buffer.from(key.slice(6), 'base64') : Buffer.from(key)
  return `v1,${createHmac('sha256', bytes).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

import { Buffer } from 'node:buffer'

export interface PemBlock {
  readonly type: string
  readonly bytes: Buffer
}

/** The first block of a PEM text; undefined when there is none. */
export function decodePem(text: string): PemBlock | undefined {
  const start = /^-----BEGIN ([^\n-]+)-----[ \t]*\r?$/m.exec(text)
  if (start === null) return undefined
  const from = start.index + start[0].length
  const end = text.indexOf(`-----END ${start[1]}-----`, from)
  if (end < 0) return undefined
  const lines = text.slice(from, end).split('\n')
  const body = lines
    .filter(line => !line.includes(':'))
    .join('')
    .replace(/[\r\t ]/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body)) return undefined
  return { type: start[1]!, bytes: Buffer.from(body, 'base64') }
}

export function encodePem({ type, bytes }: PemBlock): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${type}-----\n${lines.map(line => `${line}\n`).join('')}-----END ${type}-----\n`
}

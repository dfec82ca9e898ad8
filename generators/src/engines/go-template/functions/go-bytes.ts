import { Buffer, isUtf8 } from 'node:buffer'
import { GoFunctionError } from '../go-function.ts'

/** The bytes of a text in UTF-8: Go counts and cuts texts in bytes. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}

/**
 * A text from bytes. Each byte that is no part of a character becomes one U+FFFD, which is what Go writes for it into
 * JSON: a text that was cut within a character ends as it does in a document of Argo CD.
 */
export function textOfBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const width = characterWidth(bytes, at)
    text += width === 0 ? '\ufffd' : Buffer.from(bytes.subarray(at, at + width)).toString('utf8')
    at += width === 0 ? 1 : width
  }
  return text
}

/** Bytes of the character at `at`, 0 when none is well-formed there. */
function characterWidth(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  const width = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  return at + width <= bytes.length && isUtf8(bytes.subarray(at, at + width)) ? width : 0
}

const ASCII = /^[\0-\x7f]*$/

export function isAscii(text: string): boolean {
  return ASCII.test(text)
}

/** How many bytes Go's `len` says. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** `text[start:end]` of Go, in bytes. @throws GoFunctionError as Go panics, for bounds outside the text. */
export function sliceBytes(text: string, start: number, end: number | undefined): string {
  const length = byteLength(text)
  checkBounds(start, end, length)
  if (length === text.length) return text.slice(start, end)
  return textOfBytes(bytesOf(text).subarray(start, end))
}

function checkBounds(start: number, end: number | undefined, length: number): void {
  if (end !== undefined && end < 0) throw outOfRange(`:${end}`)
  if (end !== undefined && end > length) throw outOfRange(`:${end}`, length)
  if (start < 0) throw outOfRange(`${start}:`)
  if (start > (end ?? length)) throw outOfRange(`${start}:${end ?? length}`)
}

function outOfRange(bounds: string, length?: number): GoFunctionError {
  return new GoFunctionError(
    `runtime error: slice bounds out of range [${bounds}]${length === undefined ? '' : ` with length ${length}`}`,
  )
}

import { isPrintable } from '../printing/quote.ts'

const HTML_ESCAPES: { readonly [character: string]: string } = {
  '\u0000': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}

const SCRIPT_ESCAPES: { readonly [character: string]: string } = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

/** `html`. */
export function escapeHtml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is one of the characters that are escaped.
  return text.replace(/[\u0000"'&<>]/g, character => HTML_ESCAPES[character]!)
}

/** `js`: the inside of a JavaScript text. */
export function escapeScript(text: string): string {
  let escaped = ''
  for (const character of text.toWellFormed()) {
    const code = character.codePointAt(0)!
    if (Object.hasOwn(SCRIPT_ESCAPES, character)) escaped += SCRIPT_ESCAPES[character]
    else if (code < 0x20 || (code >= 0x80 && !isPrintable(code))) escaped += `\\u${hexadecimal(code)}`
    else escaped += character
  }
  return escaped
}

/** `urlquery`: a value of a query, spaces as `+`. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

function hexadecimal(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0')
}

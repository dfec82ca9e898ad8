import { parseTime, TimeParseError } from '../time/parse-time.ts'
import { parseFloat64, parseInteger } from './convert.ts'

/** How a text may be written, from what stands in it. */
export interface ScalarLooks {
  readonly multiline: boolean
  readonly plain: boolean
  readonly singleQuoted: boolean
  readonly block: boolean
}

/** The analysis of libyaml, for texts outside flow collections. */
export function analyzeScalar(text: string): ScalarLooks {
  if (text === '') return { multiline: false, plain: true, singleQuoted: true, block: false }
  const multiline = /[\n\r\u0085\u2028\u2029]/.test(text)
  const special = hasSpecial(text) || / [\n\u2028\u2029]/.test(text)
  const edges = /^[ \n]|[ \n]$/.test(text)
  const breakSpace = /[\n\u2028\u2029] /.test(text)
  return {
    multiline,
    plain: !(multiline || special || edges || breakSpace || hasIndicator(text)),
    singleQuoted: !(special || breakSpace),
    block: !(special || / $/.test(text)),
  }
}

/** Characters that only double quotes can carry. */
function hasSpecial(text: string): boolean {
  for (const character of text) if (!isYamlPrintable(character.codePointAt(0)!)) return true
  return false
}

export function isYamlPrintable(code: number): boolean {
  if (code === 0x0a || (code >= 0x20 && code <= 0x7e)) return true
  return code >= 0xa0 && code <= 0xfffd && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfeff
}

function hasIndicator(text: string): boolean {
  return (
    /^(?:---|\.\.\.)/.test(text) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[?:-](?:[ \t]|$)/.test(text) ||
    /.:(?:[ \t\n]|$)/s.test(text) ||
    /[ \t\n]#/.test(text)
  )
}

const WORDS = new Set(
  'y Y yes Yes YES true True TRUE on On ON n N no No NO false False FALSE off Off OFF ~ null Null NULL .nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF'
    .split(' ')
    .concat(''),
)
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/

/** Whether a text without quotes would be read as something else: a number, a boolean, a day. */
export function needsQuotes(text: string): boolean {
  if (WORDS.has(text)) return true
  if (text.startsWith('.')) return parseFloat64(text) !== undefined
  if (!/^[-+0-9]/.test(text)) return false
  if (BASE_60.test(text) || isTimestamp(text)) return true
  const plain = text.replaceAll('_', '')
  const integer = parseInteger(plain, 0)
  if (integer.problem === undefined) return true
  if (integer.problem === 'range' && /^0[xob]/i.test(plain)) return plain.length <= 18 || /^0b[01]{1,64}$/i.test(plain)
  return integer.problem === 'range' || (FLOAT.test(plain) && parseFloat64(plain) !== undefined)
}

const TIMESTAMPS = [
  '2006-1-2T15:4:5.999999999Z07:00',
  '2006-1-2t15:4:5.999999999Z07:00',
  '2006-1-2 15:4:5.999999999',
  '2006-1-2',
]

function isTimestamp(text: string): boolean {
  if (!/^\d{4}-/.test(text)) return false
  return TIMESTAMPS.some(layout => {
    try {
      parseTime(layout, text)
      return true
    } catch (error) {
      if (error instanceof TimeParseError) return false
      throw error
    }
  })
}

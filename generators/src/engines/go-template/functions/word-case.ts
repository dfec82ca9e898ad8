import { isLetter, isNumber, isPunctuation, isSpace, isUpper, lowerCharacter, upperCharacter } from './unicode.ts'

function isConnector(character: string): boolean {
  return character === '-' || character === '_' || isSpace(character)
}

/** `http_server-name` is `HttpServerName`; connectors at the start and doubled ones stay. */
export function pascalCase(text: string): string {
  const characters = [...text]
  let result = ''
  let at = 0
  while (at < characters.length && isConnector(characters[at]!)) result += characters[at++]
  // A text of connectors only gets its last one twice: so it is in the library that sprig uses.
  if (at === characters.length) return result + (characters.at(-1) ?? '')
  let current = upperCharacter(characters[at]!)
  let shouting = isUpper(characters[at]!)
  at++
  if (at === characters.length) return result + current
  for (; at < characters.length; at++) {
    const previous = current
    current = characters[at]!
    if (isConnector(current) && isConnector(previous)) {
      result += previous
    } else if (isConnector(previous)) {
      shouting = isUpper(current)
      current = upperCharacter(current)
    } else {
      if (shouting && isUpper(current)) current = lowerCharacter(current)
      else shouting = false
      result += previous
    }
  }
  return result + current
}

type WordKind = 'none' | 'number' | 'upper' | 'letters' | 'connector' | 'punctuation' | 'other'

interface Word {
  readonly kind: WordKind
  readonly text: string
}

/** `HTTPServer20x` is `http_server_20x`: words begin at capitals and at numbers, except at a number inside a word. */
export function separatedCase(text: string, connector: string): string {
  const words = wordsOf(text)
  let next = 0
  const take = (): Word => words[next++] ?? { kind: 'none', text: '' }
  const more = (): boolean => next < words.length
  let result = ''
  let word = take()
  const write = (written: Word): void => {
    result += lowered(written, connector)
  }
  const separate = (): void => {
    if (word.kind !== 'none' && word.kind !== 'connector' && word.kind !== 'punctuation') result += connector
  }
  const takeTail = (): void => {
    while (word.kind === 'letters' || word.kind === 'number') {
      write(word)
      word = take()
    }
  }
  while (more()) {
    if (word.kind !== 'connector') write(word)
    const previous = word
    word = take()
    if (previous.kind === 'number') {
      takeTail()
      separate()
    } else if (previous.kind === 'connector') {
      write(previous)
    } else if (previous.kind !== 'punctuation') {
      if (word.kind !== 'number') {
        if (word.kind !== 'connector' && word.kind !== 'punctuation') result += connector
      } else if (more()) {
        const number = word
        word = take()
        if (word.kind !== 'letters') {
          write(number)
          if (word.kind !== 'connector' && word.kind !== 'punctuation') result += connector
        } else {
          result += connector
          write(number)
          takeTail()
          separate()
        }
      }
    }
  }
  write(word)
  return result
}

function lowered(word: Word, connector: string): string {
  if (word.kind !== 'upper' && word.kind !== 'connector') return word.text
  let result = ''
  for (const character of word.text) {
    if (isConnector(character)) result += connector
    else result += isUpper(character) ? lowerCharacter(character) : character
  }
  return result
}

function wordsOf(text: string): readonly Word[] {
  const characters = [...text]
  const words: Word[] = []
  for (let at = 0; at < characters.length; ) {
    const { kind, end } = wordAt(characters, at)
    words.push({ kind, text: characters.slice(at, end).join('') })
    at = end
  }
  return words
}

function wordAt(characters: readonly string[], at: number): { readonly kind: WordKind; readonly end: number } {
  const first = characters[at]!
  const run = (belongs: (character: string) => boolean, from = at + 1): number => {
    let end = from
    while (end < characters.length && belongs(characters[end]!)) end++
    return end
  }
  if (isConnector(first)) return { kind: 'connector', end: run(isConnector) }
  if (isPunctuation(first)) return { kind: 'punctuation', end: run(isPunctuation) }
  if (isUpper(first)) return { kind: 'upper', end: endOfCapital(characters, at, run) }
  if (isAlphabet(first)) return { kind: 'letters', end: run(isSmallLetter) }
  if (isNumber(first)) return { kind: 'number', end: run(isNumber) }
  return {
    kind: 'other',
    end: run(other => !isConnector(other) && !isAlphabet(other) && !isNumber(other) && !isPunctuation(other)),
  }
}

/** `HTTPStatus` is `HTTP` and `Status`: the last capital before a small letter begins the next word. */
function endOfCapital(
  characters: readonly string[],
  at: number,
  run: (belongs: (character: string) => boolean, from?: number) => number,
): number {
  const second = characters[at + 1]
  if (second === undefined) return at + 1
  if (isUpper(second)) {
    const end = run(isUpper)
    return end < characters.length && isAlphabet(characters[end]!) ? end - 1 : end
  }
  return isAlphabet(second) ? run(isSmallLetter, at + 2) : at + 1
}

function isSmallLetter(character: string): boolean {
  return isAlphabet(character) && !isUpper(character)
}

/** A letter that can begin or continue a word; ideographs of Chinese stand by themselves. */
function isAlphabet(character: string): boolean {
  return isLetter(character) && !/^[\u3400-\u4d85\u4e00-\u9fcc\u{20000}-\u{2b81d}]$/u.test(character)
}

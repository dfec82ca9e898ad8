import type { Position } from '../model/diagnostic.ts'

/** Turns offsets of a text into lines and columns; built at the first question, since most texts are never asked. */
export class LineIndex {
  readonly #text: string
  readonly #file: string
  readonly #firstLine: number
  #starts: number[] | undefined

  /** @param firstLine Number of the text's first line: 1 for a whole file, more for a part of one. */
  constructor(text: string, file: string, firstLine: number) {
    this.#text = text
    this.#file = file
    this.#firstLine = firstLine
  }

  lineAt(offset: number): number {
    return this.#firstLine + this.#rowAt(offset)
  }

  /** Columns count characters (code points), as editors show them. */
  positionAt(offset: number): Position {
    const row = this.#rowAt(offset)
    let start = this.#lineStarts()[row]!
    if (start === 0 && this.#text.charCodeAt(0) === 0xfeff) start = 1
    let column = 1
    for (const _ of this.#text.slice(start, offset)) column++
    return { file: this.#file, line: this.#firstLine + row, column }
  }

  #rowAt(offset: number): number {
    const starts = this.#lineStarts()
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  #lineStarts(): number[] {
    if (this.#starts === undefined) {
      const starts = [0]
      for (const match of this.#text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length)
      this.#starts = starts
    }
    return this.#starts
  }
}

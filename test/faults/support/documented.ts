import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

const PAGE = new URL('../../../docs/operating.md', import.meta.url)

/** The commands of one section of docs/operating.md, in their order: a test takes them one by one, and leaves none. */
export class DocumentedSteps {
  readonly #steps: string[]
  readonly #names: ReadonlyMap<string, string>

  /** @param names What the page calls a folder or a digest, and what it is here. */
  constructor(section: string, names: Readonly<Record<string, string>>) {
    const text = readFileSync(PAGE, 'utf8')
    const begin = text.indexOf(`### ${section}\n`)
    if (begin < 0) throw new Error(`docs/operating.md has no section "${section}"`)
    const end = text.indexOf('\n### ', begin + 1)
    const body = text.slice(begin, end < 0 ? undefined : end)
    this.#steps = [...body.matchAll(/```sh\n([\s\S]*?)```/g)]
      .flatMap(([, code = '']) => code.split('\n'))
      .map(line => line.replace(/ +#.*$/, '').trim())
      .filter(line => line !== '')
    this.#names = new Map(Object.entries(names))
  }

  /** The words of the next step after `flotilla`, which has to begin like this. */
  next(beginning: string, more: Readonly<Record<string, string>> = {}): readonly string[] {
    const step = this.#steps.shift() ?? ''
    expect(step.startsWith(`flotilla ${beginning}`), `the page says "${step}", the test does "${beginning}"`).toBe(true)
    const names = new Map([...this.#names, ...Object.entries(more)])
    return step
      .split(/ +/)
      .slice(1)
      .map(word => names.get(word) ?? word)
  }

  /** Every step of the page was taken. */
  end(): void {
    expect(this.#steps).toEqual([])
  }
}

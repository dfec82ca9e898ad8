import { readFileSync } from 'node:fs'
import { createProgram } from '@flotilla/cli/program'
import { createClock } from '@flotilla/core/ports/create-clock'
import { CLUSTER_STATES } from '@flotilla/core/view/cluster-states'
import { describe, expect, test } from 'vitest'

const ROOT = new URL('../../', import.meta.url)
const page = (name: string): string => readFileSync(new URL(`docs/${name}`, ROOT), 'utf8')

/** Rows of the table below a heading, by what stands in code in their first cell. */
function rowsBelow(text: string, heading: string): ReadonlyMap<string, readonly string[]> {
  const begin = text.indexOf(`\n## ${heading}\n`)
  const end = text.indexOf('\n## ', begin + 1)
  const rows = text
    .slice(begin, end)
    .split('\n')
    .filter(line => line.startsWith('| `'))
  return new Map(
    rows.map(row => {
      const [, first = '', ...rest] = row.split(/(?<!\\)\|/).map(cell => cell.trim())
      return [first.replaceAll('`', ''), rest.slice(0, -1)] as const
    }),
  )
}

/** As the page writes what the command says. */
const asPage = (sentence: string): string =>
  sentence
    .replaceAll('|', '\\|')
    .replaceAll(/"((?:flotilla|kubectl) [^"]*)"/g, '`$1`')
    .replaceAll('<name>', 'NAME')

describe('docs/operating.md', () => {
  test('says of each state of a cluster what the command and the API say', () => {
    const expected = Object.entries(CLUSTER_STATES).map(([code, { meaning, mend }]) => [
      code,
      [meaning, mend].map(asPage),
    ])
    expect([...rowsBelow(page('operating.md'), 'States of a cluster')]).toEqual(expected)
  })

  test('has each state of the hub', () => {
    expect([...rowsBelow(page('operating.md'), 'States of the hub').keys()]).toEqual(['settled', 'behind', 'recovered'])
  })
})

describe.each(['operating.md', 'threat-model.md'])('docs/%s', name => {
  const text = page(name)
  const sink = { write: () => undefined, isTerminal: false }
  const program = createProgram({
    cwd: '/',
    env: {},
    clock: createClock(globalThis),
    stdout: sink,
    stderr: sink,
    exitCode: 0,
  })
  const inFences = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, code = '']) => code.split('\n'))
  const inline = [...text.matchAll(/`(flotilla [^`]+)`/g)].map(([, command = '']) => command)
  const commands = [...inFences, ...inline]
    .map(line => line.replace(/ +#.*$/, '').trim())
    .filter(line => line.startsWith('flotilla '))

  test.each([...new Set(commands)])('%s is a command', line => {
    let command = program
    const words = line.split(/ +/).slice(1)
    while (words[0] !== undefined) {
      const child = command.commands.find(each => each.name() === words[0])
      if (child === undefined) break
      command = child
      words.shift()
    }
    expect(command, `no such verb: ${line}`).not.toBe(program)
    if (command.commands.length > 0 && words[0] !== undefined) expect(words[0], line).toMatch(/^-/)
    const options = [...command.options, ...program.options].map(({ long }) => long)
    for (const word of words.filter(each => each.startsWith('--'))) expect(options, line).toContain(word)
  })

  test('leads nowhere that is not there', () => {
    const anchors = (of: string): readonly string[] =>
      [...page(of).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      )
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const known = file.startsWith('..') || page(file === '' ? name : file).length > 0
      expect(known, target).toBe(true)
      if (anchor !== undefined) expect(anchors(file === '' ? name : file), target).toContain(anchor)
    }
  })
})

import { readFileSync } from 'node:fs'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { describe, expect, test } from 'vitest'
import { declaredSet, inputsOf } from '../test/declared-set.ts'
import { renderText } from './engines/engine.ts'
import { handlebars } from './engines/handlebars/handlebars.ts'
import { HELPERS } from './engines/handlebars/helpers/index.ts'
import { expand } from './expand.ts'
import { compileExpression } from './expressions/compile-expression.ts'
import { FUNCTIONS } from './expressions/functions.ts'

/** Every example on the pages runs: the tables of templates and expressions, and the sets with what they become. */
function page(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
}

function block(text: string, info: string): string {
  return new RegExp(`^\`\`\`\\w+ ${info}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.[1] ?? ''
}

function parametersOf(text: string): JsonObject {
  return parseYamlDocuments(block(text, 'parameters'), { file: 'docs' }).documents[0]!.value as JsonObject
}

/** Rows of two columns of code. */
function rowsOf(text: string): readonly (readonly [string, string])[] {
  const rows = [...text.matchAll(/^\| `(.*)` \| `(.*)` \|$/gm)]
  return rows.map(([, left = '', right = '']) => [left.replaceAll('\\|', '|'), right] as const)
}

const text = (value: Json | undefined): string => (value === undefined ? '' : String(value))

function becomes(yaml: string, columns: (spec: JsonObject) => readonly string[]): string {
  const { applications, errors } = expand(declaredSet(yaml), inputsOf())
  expect(errors).toEqual([])
  const lines = applications.map(({ metadata, spec }) =>
    [
      metadata.name,
      spec.destination.name,
      ...columns({ ...spec, labels: metadata.labels ?? {} } as unknown as JsonObject),
    ].join(' '),
  )
  return `${lines.join('\n')}\n`
}

describe('docs/handlebars.md', () => {
  const content = page('handlebars.md')
  const parameters = parametersOf(content)
  test.each(rowsOf(content))('%s', (template, expected) => {
    expect(renderText(handlebars, template, parameters, { remaining: 1e6 })).toBe(expected)
  })
  test('its table has every helper as it is', () => {
    const rows = [...content.matchAll(/^\| `(.*)` \| `(.*)` \| (.*) \|$/gm)].map(([, ...cells]) => cells)
    expect(rows).toEqual([...HELPERS.values()].map(({ name, parameters, meaning }) => [name, parameters, meaning]))
  })
  test('its set becomes what it says', () => {
    const source = (spec: JsonObject): JsonObject => spec['source'] as JsonObject
    const columns = (spec: JsonObject) => [text(source(spec)['path']), text((spec['labels'] as JsonObject)['env'])]
    expect(becomes(block(content, 'set'), columns)).toBe(block(content, 'becomes'))
  })
})

describe('docs/expressions.md', () => {
  const content = page('expressions.md')
  const parameters = parametersOf(content)
  test.each(rowsOf(content))('%s', (source, expected) => {
    expect(compileExpression(source).evaluate(parameters)).toEqual(JSON.parse(expected))
  })
  test('shows every function at work', () => {
    const shown = rowsOf(content)
      .map(([source]) => source)
      .join('\n')
    const unseen = new Set(['of', 'none', 'or', 'hasValue', 'value', 'exists_one', 'bool', 'string'])
    expect([...FUNCTIONS].filter(name => !unseen.has(name) && !shown.includes(`${name}(`))).toEqual([])
  })
  test('its set becomes what it says', () => {
    const columns = (spec: JsonObject) => [
      (spec['sources'] as readonly JsonObject[]).map(({ path }) => text(path)).join(','),
      text((spec['labels'] as JsonObject)['env']),
      text(spec['revisionHistoryLimit']),
      text(((spec['syncPolicy'] as JsonObject)['automated'] as JsonObject)['prune']),
    ]
    expect(becomes(block(content, 'set'), columns)).toBe(block(content, 'becomes'))
  })
})

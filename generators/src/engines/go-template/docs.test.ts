import { readFileSync } from 'node:fs'
import type { JsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { describe, expect, test } from 'vitest'
import { declaredSet, inputsOf } from '../../../test/declared-set.ts'
import { expand } from '../../expand.ts'
import { renderText } from '../engine.ts'
import { FUNCTION_GROUPS } from './functions/index.ts'
import { createGoTemplate } from './go-template.ts'

/** Every example of docs/go-templates.md runs, and its list of functions is the one that there is. */
const page = readFileSync(new URL('../../../../docs/go-templates.md', import.meta.url), 'utf8')

function block(info: string): string {
  return new RegExp(`^\`\`\`\\w+ ${info}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? ''
}

const parameters = parseYamlDocuments(block('parameters'), { file: 'docs' }).documents[0]!.value as JsonObject
const rows = [...page.matchAll(/^\| `(.*)` \| `(.*)` \|$/gm)].map(
  ([, template = '', result = '']) =>
    [template.replaceAll('\\|', '|').replaceAll('\\n', '\n'), result.replaceAll('\\n', '\n')] as const,
)

describe('docs/go-templates.md', () => {
  test.each(rows)('%s', (template, result) => {
    expect(renderText(createGoTemplate({}), template, parameters, { remaining: 1e6 })).toBe(result)
  })

  test('has enough rows to be one that is read', () => {
    expect(rows.length).toBeGreaterThan(50)
  })

  test('its set becomes what it says', () => {
    const { applications, errors } = expand(declaredSet(block('set')), inputsOf())
    expect(errors).toEqual([])
    const lines = applications.map(({ metadata, spec }) =>
      [
        metadata.name,
        spec.destination.name,
        spec.destination.namespace,
        metadata.labels?.['env'],
        metadata.labels?.['channel'],
      ].join(' '),
    )
    expect(`${lines.join('\n')}\n`).toBe(block('becomes'))
  })

  test('lists every function in its group', () => {
    const listed = [...page.matchAll(/^\| ([a-z A-Z]+) \| (`.*`\*?) \|$/gm)]
      .filter(([, group]) => group !== 'template')
      .map(([, group, names]) => [group, names])
    expect(listed).toEqual(
      Object.entries(FUNCTION_GROUPS).map(([group, functions]) => [
        group,
        Object.entries(functions)
          .map(([name, { repeatable }]) => `\`${name}\`${repeatable === false ? '*' : ''}`)
          .join(' '),
      ]),
    )
  })
})

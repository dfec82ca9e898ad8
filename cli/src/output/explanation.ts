import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { Explanation, FieldOrigin } from '../offline/explain-application.ts'
import { clusterText, itemJson, sourceText } from '../offline/item-json.ts'
import type { Colours } from './colours.ts'
import { printable, table } from './table.ts'

/** An explanation for scripts. */
export function explanationJson(application: Application, explanation: Explanation): JsonObject {
  const { provenance, ...document } = itemJson(application)
  const { set, generator, fields, project, holds } = explanation
  return {
    application: document,
    provenance,
    ...(set === undefined ? {} : { set: { name: set.name, ...set.position } }),
    ...(generator === undefined
      ? {}
      : { generator: { ...generator, children: generator.children.map(one => ({ ...one })) } }),
    template: fields.map(({ field, template, value, from, file, line, column }) => ({
      field,
      ...(template === undefined ? {} : { template }),
      value,
      from,
      file,
      line,
      column,
    })),
    project: { name: application.spec.project, ...project },
    holds: holds.map(({ code, message, hint }) => ({ code, message, ...(hint === undefined ? {} : { hint }) })),
  }
}

const FROM: { readonly [From in FieldOrigin['from']]: string } = {
  template: '',
  generator: "the generator's own template",
  patch: 'templatePatch',
  default: 'nobody: the default',
  document: '',
}

/** An explanation for people. */
export function explanationText(application: Application, explanation: Explanation, colours: Colours): string {
  const { set, generator, fields, project, holds } = explanation
  const { provenance, spec, metadata } = application
  const text: string[] = [
    `${colours.bold(`Application ${printable(metadata.name)}`)}  project ${printable(spec.project)}, cluster ${printable(clusterText(application))}, source ${printable(sourceText(application))}`,
  ]
  if (set === undefined) text.push(`written by hand at ${provenance.file}:${provenance.line}:${provenance.column}`)
  else {
    text.push(`from ApplicationSet ${printable(set.name)} at ${placeText(set.position)}`)
    if (generator) {
      text.push(
        `by generator ${generator.path} (${generator.kind}) at ${placeText(generator)}, element ${provenance.element}`,
        ...generator.children.map(({ path, kind, ...at }) => `  of ${path} (${kind}) at ${placeText(at)}`),
      )
    }
    text.push('', 'with parameters')
    for (const [key, value] of Object.entries(provenance.params ?? {})) {
      text.push(`  ${printable(key)} = ${printable(valueText(value ?? null))}`)
    }
    text.push('', 'through the template')
  }
  const rows = fields.map(({ field, template, value, from, ...at }) => [
    field,
    template === undefined ? FROM[from] : `${valueText(template)}${from === 'generator' ? ` (${FROM[from]})` : ''}`,
    valueText(value),
    `${at.file}:${at.line}`,
  ])
  text.push(table(['FIELD', 'WRITTEN', 'BECAME', 'AT'], rows, colours).trimEnd(), '')
  text.push(
    `in Project ${printable(spec.project)}${project ? ` at ${placeText(project)}` : ', which no document declares'}`,
  )
  for (const { code, message } of holds) text.push(`${colours.yellow('held')} ${code} ${printable(message)}`)
  if (holds.length === 0) text.push('nothing in the documents holds it')
  return `${text.join('\n')}\n`
}

function placeText({ file, line, column }: { readonly file: string; readonly line: number; readonly column: number }) {
  return `${printable(file)}:${line}:${column}`
}

function valueText(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}

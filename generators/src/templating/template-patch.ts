import { isJsonObject, type Json, type JsonObject, jsonObject } from '@flotilla/core/json/json'
import { TemplateError } from '../failure.ts'
import { goQuote } from '../go-text.ts'
import { readJson, readYaml } from '../read-yaml.ts'
import { jsonKind, shapeMistake } from './application-shape.ts'
import { strategicMerge } from './strategic-merge.ts'

/**
 * Applies a rendered `templatePatch` to a rendered Application (applicationsets.md 6). The Application's project stays what it
 * was, whatever the patch says.
 *
 * @param patchText YAML, or JSON when it begins with `{`.
 * @param options `refuseNullSpec`: a patch whose `spec` is null, or empty where a template left something out, deletes
 *   the whole spec, as Argo CD does without a word; ours wants it said as `spec: {$patch: delete}`.
 * @throws TemplateError `PATCH_INVALID`.
 */
export function applyTemplatePatch(
  application: JsonObject,
  patchText: string,
  options: { readonly refuseNullSpec?: boolean } = {},
): JsonObject {
  const patch = readPatch(patchText)
  if (patch === null) return application
  if (options.refuseNullSpec === true && patch['spec'] === null) {
    const hint = 'put "spec:" inside the condition too; to delete it, write spec: {$patch: delete}'
    throw new TemplateError('PATCH_INVALID', 'templatePatch has an empty spec, which would empty the Application', {
      hint,
    })
  }
  const mistake = shapeMistake(patch)
  if (mistake !== undefined) throw invalid(`invalid templatePatch ${goQuote(patchText)}: ${mistake.message}`)
  const project = isJsonObject(application['spec']) ? application['spec']['project'] : undefined
  let merged: JsonObject
  try {
    merged = strategicMerge(application, patch)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error.wrap(`error while applying templatePatch template to json ${goQuote(patchText)}: `)
  }
  return withProject(merged, project)
}

function readPatch(text: string): JsonObject | null {
  const json = text.trim().startsWith('{')
  let value: Json
  try {
    value = json ? readJson(text) : readYaml(text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    if (json) throw invalid(`invalid templatePatch ${goQuote(text)}: ${error.message}`)
    throw invalid(
      `error while converting template to json ${goQuote(text)}: error converting YAML to JSON: ${error.message}`,
    )
  }
  if (value === null || isJsonObject(value)) return value
  throw invalid(
    `invalid templatePatch ${goQuote(text)}: json: cannot unmarshal ${jsonKind(value)} into Go value of type v1alpha1.Application`,
  )
}

function withProject(application: JsonObject, project: Json | undefined): JsonObject {
  const spec = application['spec']
  const before: JsonObject = isJsonObject(spec) ? spec : {}
  if (before['project'] === project) return application
  const entries = Object.keys(before)
    .filter(key => key !== 'project')
    .map(key => [key, before[key]] as const)
  const restored = project === undefined ? entries : [['project', project] as const, ...entries]
  return { ...application, spec: jsonObject(restored) }
}

function invalid(message: string): TemplateError {
  return new TemplateError('PATCH_INVALID', message)
}

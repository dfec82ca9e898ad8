import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Application, ApplicationMetadata, ApplicationSpec } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Provenance } from '@flotilla/core/model/provenance'
import type { CompiledText, OutputMeter, TemplateEngine } from './engines/engine.ts'
import { TemplateError } from './failure.ts'
import type { Parameters } from './inputs.ts'
import { isDnsSubdomain } from './label-selector.ts'
import { MAX_NAME_LENGTH } from './limits.ts'
import { projectOfApplication, projectOfSet } from './set-project.ts'
import { shapeMistake } from './templating/application-shape.ts'
import { holdsListOperators, withListOperators } from './templating/list-operators.ts'
import { mergeTemplate } from './templating/merge-template.ts'
import { applicationRenderer, DEFAULT_FINALIZER } from './templating/render-application.ts'
import { applyTemplatePatch } from './templating/template-patch.ts'

/** The step of an Application's making that failed. */
export type BuildStage = 'render' | 'patch' | 'validate'

export type Built =
  | { readonly kind: 'application'; readonly application: Application }
  | { readonly kind: 'failed'; readonly stage: BuildStage; readonly error: TemplateError }

export type ApplicationBuilder = (parameters: Parameters, provenance: Provenance, meter: OutputMeter) => Built

/**
 * Prepares one generator's template and the set's patch; the result turns each parameter set into an Application
 * (applicationsets.md 2, steps 2 to 5).
 *
 * @param options With `anyName`, a name need not be one that Kubernetes takes.
 */
export function applicationBuilder(
  set: Declared<ApplicationSetSpec>,
  ownTemplate: JsonObject | undefined,
  engine: TemplateEngine,
  options: { readonly anyName?: true } = {},
): ApplicationBuilder {
  const ours = set.group === 'flotilla.dev'
  const merged = mergeTemplate(ownTemplate, objectOf(set.spec.template), { zeroCounts: ours })
  const template = bareApplication(merged, set)
  const preserve = set.spec.syncPolicy?.preserveResourcesOnDeletion === true
  const operators = ours && holdsListOperators(String(set.spec.templatePatch ?? ''))
  const { render } = applicationRenderer(template, engine, preserve || ours ? undefined : DEFAULT_FINALIZER)
  const patch = patcher(set.spec.templatePatch, engine, { refuseNullSpec: ours })
  return (parameters, provenance, meter) => {
    let stage: BuildStage = 'render'
    try {
      let json = render(parameters, meter)
      stage = 'patch'
      json = patch(json, parameters, meter)
      if (operators) json = withListOperators(json)
      stage = 'validate'
      const application = toApplication(json, set, provenance, ours && preserve)
      if (options.anyName !== true) checkName(application.metadata.name, set, parameters)
      return { kind: 'application', application }
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return { kind: 'failed', stage, error }
    }
  }
}

/** Of the template's metadata only these become the Application's; its namespace is always the set's. */
function bareApplication(template: JsonObject, set: Declared<ApplicationSetSpec>): JsonObject {
  const { name, labels, annotations, finalizers } = objectOf(template['metadata'])
  return {
    apiVersion: set.apiVersion,
    kind: 'Application',
    metadata: { name, labels, annotations, finalizers },
    spec: objectOf(template['spec']),
  }
}

function patcher(
  templatePatch: string | undefined,
  engine: TemplateEngine,
  options: { readonly refuseNullSpec: boolean },
) {
  if (typeof templatePatch !== 'string' || templatePatch === '')
    return (application: JsonObject): JsonObject => application
  let compiled: CompiledText | TemplateError
  try {
    compiled = engine.compile(templatePatch)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    compiled = error
  }
  return (application: JsonObject, parameters: Parameters, meter: OutputMeter): JsonObject =>
    applyTemplatePatch(application, renderPatch(compiled, parameters, meter), options)
}

function renderPatch(compiled: CompiledText | TemplateError, parameters: Parameters, meter: OutputMeter): string {
  try {
    if (compiled instanceof TemplateError) throw compiled
    return typeof compiled === 'string' ? compiled : compiled(parameters, meter)
  } catch (error) {
    throw error instanceof TemplateError ? error.wrap('error replacing values in templatePatch: ') : error
  }
}

function toApplication(
  json: JsonObject,
  set: Declared<ApplicationSetSpec>,
  provenance: Provenance,
  detach: boolean,
): Application {
  const mistake = shapeMistake(json)
  if (mistake !== undefined) throw new TemplateError('APPLICATION_INVALID', mistake.message, { path: mistake.path })
  const metadata = objectOf(json['metadata'])
  const spec = objectOf(json['spec'])
  const { name, labels, annotations, finalizers } = metadata
  return {
    apiVersion: set.apiVersion,
    kind: 'Application',
    metadata: {
      name: typeof name === 'string' ? name : '',
      ...(set.namespace !== undefined && { namespace: set.namespace }),
      ...present({ labels, annotations, finalizers }),
    } as ApplicationMetadata,
    spec: {
      ...(detach && { deletion: 'detach' }),
      ...spec,
      project: projectOfApplication(spec['project'], projectOfSet(set)),
      destination: objectOf(spec['destination']),
    } as ApplicationSpec,
    provenance,
  }
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

function present(fields: { readonly [key: string]: Json | undefined }): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
}

const NAME_PATH = ['metadata', 'name']

function checkName(name: string, set: Declared<ApplicationSetSpec>, parameters: Parameters): void {
  if (name === '') {
    const hint = `metadata.name became empty text; the parameters here are ${parametersText(parameters)}`
    throw new TemplateError('APPLICATION_NAME_MISSING', missingNameMessage(set.name), { path: NAME_PATH, hint })
  }
  if (isDnsSubdomain(name)) return
  const hint = name.includes('{{')
    ? `a tag was not replaced; the parameters here are ${parameterNames(parameters)}`
    : 'the normalized parameters (nameNormalized, path.basenameNormalized …) hold such names'
  throw new TemplateError(
    'APPLICATION_NAME_INVALID',
    `Application name "${shorten(name)}" is invalid: a lowercase RFC 1123 subdomain has at most ${MAX_NAME_LENGTH} ` +
      "characters, lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit",
    { path: NAME_PATH, hint },
  )
}

/** Argo CD's words for an Application without a name. */
export function missingNameMessage(set: string): string {
  return (
    `ApplicationSet ${set} contains an application with no name; a name must be set in the template's metadata.name ` +
    'or via a templatePatch (generateName is not supported)'
  )
}

/** With their values where they are short text: which of them is empty is the question. */
function parametersText(parameters: Parameters): string {
  const shown = Object.entries(parameters).map(([name, value]) =>
    typeof value === 'string' && value.length <= 40 ? `${name}=${JSON.stringify(value)}` : name,
  )
  const more = shown.length > 12 ? ` and ${shown.length - 12} more` : ''
  return shown.length === 0 ? 'none' : shown.slice(0, 12).join(', ') + more
}

function parameterNames(parameters: Parameters): string {
  const names = Object.keys(parameters)
  const shown = names.slice(0, 12).join(', ')
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown || 'none'
}

function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

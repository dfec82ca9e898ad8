import { z } from 'zod'
import { applicationSpecOfSet, argoApplicationSpec } from './application-spec.ts'
import { deletionBudget } from './deletion-budget.ts'
import { argoGeneratorEntry, condition, generatorEntrySchema, templateMetadata } from './generators.ts'
import {
  anyObject,
  documentOf,
  object,
  optionalFlag,
  optionalText,
  optionalTextMap,
  optionalTexts,
  textOrInteger,
} from './shapes.ts'

const strategy = object({
  type: optionalText,
  deletionOrder: optionalText,
  rollingSync: object({
    steps: z
      .array(
        object({
          matchExpressions: z
            .array(object({ key: optionalText, operator: optionalText, values: optionalTexts }))
            .optional(),
          maxUpdate: textOrInteger.optional(),
        }),
      )
      .optional(),
  }).optional(),
})

/** What our ApplicationSet says of the end of it and of its Applications, which Argo CD's has not. */
const endAdditions = { deletion: z.enum(['prune', 'detach']).optional(), deletionBudget: deletionBudget.optional() }

/** The project that the set carries: its generators see only what that may use, and its Applications are in it. */
const projectAddition = { project: optionalText }

/** Documents that are made of each parameter set beside its Application, or instead: each is checked once it is made. */
const documentsAddition = {
  documents: z
    .array(
      object({
        apiVersion: z.string(),
        kind: z.string(),
        metadata: object({ name: z.string(), labels: optionalTextMap, annotations: optionalTextMap }),
        spec: anyObject.optional(),
      }),
    )
    .max(20)
    .optional(),
}

/** Which parameter sets become Applications: an expression, or true or false itself. */
const conditionAddition = { when: condition }
/** Absent: what `goTemplate` says. */
const engineAddition = { engine: z.enum(['fasttemplate', 'goTemplate', 'handlebars']).optional() }

export const APPLICATION_SET_ADDITIONS: readonly string[] = [
  ...Object.keys(endAdditions),
  'spec.project',
  'spec.documents',
  'spec.when',
  'template.engine',
]

interface OwnFields {
  readonly spec?: z.core.$ZodLooseShape
  readonly template?: z.core.$ZodLooseShape
  /** A set may make other documents alone. */
  readonly optionalTemplate?: boolean
}

function applicationSetSpec(entry: z.ZodType, spec: z.ZodType, own: OwnFields = {}) {
  const template = object({ ...own.template, metadata: templateMetadata, spec })
  return object({
    goTemplate: optionalFlag,
    goTemplateOptions: optionalTexts,
    generators: z.array(entry),
    template: own.optionalTemplate ? template.optional() : template,
    templatePatch: optionalText,
    syncPolicy: object({
      preserveResourcesOnDeletion: optionalFlag,
      applicationsSync: z.enum(['create-only', 'create-update', 'create-delete', 'sync']).optional(),
    }).optional(),
    strategy: strategy.optional(),
    preservedFields: object({ annotations: optionalTexts, labels: optionalTexts }).optional(),
    ignoreApplicationDifferences: z
      .array(object({ name: optionalText, jsonPointers: optionalTexts, jqPathExpressions: optionalTexts }))
      .optional(),
    applyNestedSelectors: optionalFlag,
    ...own.spec,
  })
}

export const argoApplicationSetDocument = documentOf(
  'argoproj.io/v1alpha1',
  'ApplicationSet',
  applicationSetSpec(argoGeneratorEntry, argoApplicationSpec),
)
export const applicationSetDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'ApplicationSet',
  applicationSetSpec(generatorEntrySchema, applicationSpecOfSet, {
    spec: { ...endAdditions, ...projectAddition, ...documentsAddition, ...conditionAddition },
    template: engineAddition,
    optionalTemplate: true,
  }),
)

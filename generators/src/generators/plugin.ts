import type { Generator } from './generator.ts'

/** What a service of the user answers (applicationsets.md 9.9). */
export const plugin: Generator = {
  key: 'plugin',
  fields: ['configMapRef', 'input', 'requeueAfterSeconds', 'template', 'values'],
  defaultRequeueSeconds: 1800,
}

import { nearest } from '@flotilla/core/text/nearest'
import { z } from 'zod'

/** What every list takes: in which order, which parts of its rows, and words to look for. Mistakes name what there is. */

export interface SortOrder {
  readonly field: string
  readonly descending: boolean
}

const MOST_FIELDS = 50

/** @param inherent The order without it: `name`, `-since`. */
export function sortParameter<const Field extends string>(fields: readonly Field[], inherent: string) {
  return z
    .string()
    .max(100)
    .transform((text, context): { readonly field: Field; readonly descending: boolean } => {
      const order = orderOf(text)
      if ((fields as readonly string[]).includes(order.field)) return order as never
      context.addIssue({
        code: 'custom',
        message: `${unknownName(order.field, fields)}; one of ${fields.join(', ')}, with "-" before it for the reverse`,
      })
      return z.NEVER
    })
    .optional()
    .meta({
      description: `${fields.join(', ')}; with "-" before it in reverse. Without it: ${inherent}. Equal rows keep one order.`,
    })
}

export function orderOf(text: string): SortOrder {
  const descending = text.startsWith('-')
  return { field: descending ? text.slice(1) : text, descending }
}

/** @param known Names of the row's parts; what is within a part is not checked. */
export function fieldsParameter(known: readonly string[]) {
  return z
    .string()
    .max(1000)
    .transform((text, context) => {
      const fields = text.split(',')
      if (fields.length > MOST_FIELDS) context.addIssue({ code: 'custom', message: `at most ${MOST_FIELDS} fields` })
      for (const field of fields) {
        const top = field.split('.')[0] ?? ''
        if (!known.includes(top)) context.addIssue({ code: 'custom', message: unknownName(field, known) })
      }
      return context.issues.length > 0 ? z.NEVER : fields
    })
    .optional()
    .meta({ description: `Only these fields, with commas between: ${known.slice(0, 3).join(',')}.` })
}

/** @param where What is looked into: "name, cluster or labels". */
export function wordsParameter(where: string) {
  return z
    .string()
    .max(200)
    .optional()
    .meta({ description: `Words that all occur in ${where}.` })
}

/** @returns In lower case, each once. */
export function wordsOf(text: string | undefined): readonly string[] {
  return [...new Set((text ?? '').toLowerCase().split(/\s+/).filter(Boolean))]
}

function unknownName(name: string, known: readonly string[]): string {
  const near = nearest(name.split('.')[0] ?? '', known)
  return `there is no field "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`
}

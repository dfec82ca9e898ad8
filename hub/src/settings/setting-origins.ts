import { ALL_FIELDS } from './hub-settings.ts'

/**
 * Where settings come from, beside each of them: `hub.yaml:3:7`, `FLOTILLA_TLS_MODE`, `--tls-mode`, or `default`.
 *
 * @param yaml Settings as they are printed: fields at the margin, those of a group two blanks further in.
 * @param originOf Of a setting that was given; undefined for what nobody gave.
 *
 * @example
 * withOrigins('log:\n  level: warn\n', field => field === 'log.level' ? '--log-level' : undefined)
 * // => 'log:\n  level: warn  # --log-level\n'
 */
export function withOrigins(yaml: string, originOf: (field: string) => string | undefined): string {
  let group = ''
  return yaml
    .split('\n')
    .map(line => {
      const [, blanks, key] = /^( *)([A-Za-z]+):/.exec(line) ?? []
      if (blanks === undefined || key === undefined || blanks.length > 2) return line
      if (blanks === '') group = key
      const field = blanks === '' ? key : `${group}.${key}`
      return ALL_FIELDS.includes(field) ? `${line}  # ${originOf(field) ?? 'default'}` : line
    })
    .join('\n')
}

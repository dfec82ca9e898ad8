import type { Preview } from '@flotilla/hub/preview/preview'
import { previewJson } from '@flotilla/hub/preview/preview-json'
import type { CliContext } from '../context.ts'
import { coloursOf } from './colours.ts'
import { printData } from './data.ts'
import { diagnosticText } from './diagnostics.ts'
import type { GlobalOptions } from './formats.ts'
import { COMMENT_LIMITS, previewMarkdown } from './preview-markdown.ts'
import { previewText } from './preview-text.ts'

/** Writes a preview as it was asked for: data, a comment, or for people at a terminal. */
export async function printPreview(
  context: CliContext,
  preview: Preview,
  format: 'json' | 'yaml' | 'text' | keyof typeof COMMENT_LIMITS,
  options: GlobalOptions,
): Promise<void> {
  if (format === 'json' || format === 'yaml') return printData(context, format, previewJson(preview))
  const errors = coloursOf(context, context.stderr, options)
  for (const diagnostic of preview.diagnostics) {
    if (diagnostic.severity === 'error' || !options.quiet) context.stderr.write(diagnosticText(diagnostic, errors))
  }
  if (format === 'text') context.stdout.write(previewText(preview, coloursOf(context, context.stdout, options)))
  else context.stdout.write(previewMarkdown(preview, COMMENT_LIMITS[format]))
}

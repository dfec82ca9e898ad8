import type { CreatedApplication, Preview, UpdatedApplication } from '@flotilla/hub/preview/preview'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMMENT_LIMITS, escapeMarkdown, PREVIEW_MARKER, previewMarkdown } from './preview-markdown.ts'

const NONE: Preview = { created: [], updated: [], deleted: [], held: [], unchanged: 0, diagnostics: [] }

function updated(name: string, diff: string): UpdatedApplication {
  return {
    name,
    project: 'shop',
    cluster: 'eu-1',
    namespace: 'shop',
    provenance: { source: '', file: 'fleet/a.yaml', line: 1, column: 1 },
    notes: [],
    diff: { fields: [], manifests: [{ object: 'ConfigMap m', change: 'updated', diff }] },
  }
}

describe('a preview as a comment', () => {
  test('begins with the line by which a bot finds it', () => {
    expect(previewMarkdown(NONE, COMMENT_LIMITS.github)).toBe(
      `${PREVIEW_MARKER}\n## Flotilla preview\n\nnothing changes&#59; 0 unchanged\n`,
    )
  })

  test('shows each Application folded, its difference in a fence', () => {
    const text = previewMarkdown(
      { ...NONE, updated: [updated('web', '@@ -1,1 +1,1 @@\n-a\n+b\n')] },
      COMMENT_LIMITS.github,
    )
    expect(text).toContain('### Updated (1)\n\n<details><summary><code>web</code></summary>\n\n')
    expect(text).toContain('```diff\n@@ -1,1 +1,1 @@\n-a\n+b\n```\n')
  })

  test('no content closes its fence', () => {
    const diff = '+```\n+````\n+</details>\n+<script>\n'
    const text = previewMarkdown({ ...NONE, updated: [updated('web', diff)] }, COMMENT_LIMITS.github)
    expect(text).toContain(`\`\`\`\`\`diff\n${diff}\`\`\`\`\`\n`)
  })

  const hostile = [
    '`x`',
    '</code></summary><img src=x>',
    '@everyone',
    '#1 !2 $3',
    '[a](https://x)',
    '**b**',
    'a\n# heading',
    'a\u202Eb',
    '&lt;',
  ]
  test.each(hostile)('a name %j formats, links and mentions nothing', name => {
    const text = previewMarkdown(
      { ...NONE, created: [{ ...updated(name, ''), diff: NONE_DIFF } as CreatedApplication] },
      COMMENT_LIMITS.github,
    )
    const summary = /<summary><code>(.*)<\/code><\/summary>/.exec(text)?.[1] ?? ''
    expect(summary).toMatch(/^(?:[\p{L}\p{N}\uFFFD ./-]|&#\d+;)+$/u)
  })

  test('whatever is in it, it keeps to the limit and says what is missing', () => {
    const many = Array.from({ length: 300 }, (_, index) => updated(`app-${index}`, `+${'x'.repeat(1_000)}\n`))
    const text = previewMarkdown({ ...NONE, updated: many }, COMMENT_LIMITS.github)
    expect(text.length).toBeLessThanOrEqual(COMMENT_LIMITS.github)
    expect(text).toContain('This comment is full')
    expect(text.match(/<details>/g)?.length).toBe(text.match(/<\/details>/g)?.length)
    expect(previewMarkdown({ ...NONE, updated: many }, COMMENT_LIMITS.gitlab)).not.toContain('This comment is full')
  })

  test('one difference that is too large is left out, and its Application is not', () => {
    const text = previewMarkdown(
      { ...NONE, updated: [updated('web', `+${'x'.repeat(70_000)}\n`)] },
      COMMENT_LIMITS.github,
    )
    expect(text).toContain('<code>web</code>')
    expect(text).toContain('1 Applications are shown without all of their differences')
  })

  test('escaped text has no character of Markdown or HTML', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => !/[`*_[\]<>@!|\\~\n\r]/.test(escapeMarkdown(text))))
  })
})

const NONE_DIFF = { fields: [], manifests: [] }

import type {
  ApplicationDiff,
  Preview,
  PreviewDiagnostic,
  PreviewedApplication,
  PreviewNote,
} from '@flotilla/hub/preview/preview'
import { aboutText, deletionText, fieldText, heldText, manifestTitle, summaryText } from './preview-text.ts'

/** The first line of every comment, unseen by readers: a bot finds its own comment by it and replaces it. */
export const PREVIEW_MARKER = '<!-- flotilla-preview -->'

/** Characters that a comment may have: GitHub's and GitLab's own limits; a file has none. */
export const COMMENT_LIMITS = { github: 65_536, gitlab: 1_000_000, markdown: Number.POSITIVE_INFINITY } as const

interface Section {
  readonly title: string
  readonly items: readonly Item[]
}

interface Item {
  /** With everything there is to say, then with less and less. */
  readonly versions: readonly string[]
}

/** What the last lines need, when something had to be left out. */
const RESERVED = 400

/**
 * A preview as a comment of a pull or merge request. Whatever comes from documents is escaped or fenced, so that no
 * name or value can format, link, mention or close anything; what does not fit is left out and counted.
 */
export function previewMarkdown(preview: Preview, maxCharacters: number): string {
  const head = [PREVIEW_MARKER, '## Flotilla preview', '', escapeMarkdown(summaryText(preview)), ''].join('\n')
  const writer = new BoundedText(head, maxCharacters - RESERVED)
  for (const { title, items } of sectionsOf(preview)) {
    if (items.length === 0) continue
    writer.add(`\n### ${title} (${items.length})\n\n`)
    for (const { versions } of items) writer.addFirstThatFits(versions)
  }
  return writer.text()
}

function sectionsOf(preview: Preview): readonly Section[] {
  const mistakes = preview.diagnostics.filter(({ isNew }) => isNew)
  return [
    { title: 'New mistakes', items: mistakes.map(mistakeItem) },
    {
      title: 'Held',
      items: preview.held.map(item => itemOf(item, [heldText(item)], item.diff)),
    },
    { title: 'Deleted', items: preview.deleted.map(item => itemOf(item, [deletionText(item)])) },
    { title: 'Created', items: preview.created.map(item => itemOf(item, notesOf(item.notes), item.diff)) },
    { title: 'Updated', items: preview.updated.map(item => itemOf(item, notesOf(item.notes), item.diff)) },
  ]
}

function mistakeItem({ file, line, column, code, message, hint }: PreviewDiagnostic): Item {
  const text = `- ${inlineCode(`${file}:${line}:${column}`)} ${inlineCode(code)} ${escapeMarkdown(message)}${hint === undefined ? '' : `; ${escapeMarkdown(hint)}`}\n`
  return { versions: [text] }
}

function notesOf(notes: readonly PreviewNote[]): readonly string[] {
  return notes.map(({ message }) => message)
}

function itemOf(item: PreviewedApplication, sentences: readonly string[], diff?: ApplicationDiff): Item {
  const { fields = [], manifests = [] } = diff ?? {}
  const about = [aboutText(item), ...sentences].map(text => `${escapeMarkdown(text)}\n`).join('\n')
  const fieldList =
    fields.length === 0 ? '' : `\n${fence('', fields.map(field => oneLine(fieldText(field))).join('\n'))}`
  const objects =
    manifests.length === 0
      ? ''
      : `\n${manifests.map(manifest => `- ${escapeMarkdown(manifestTitle(manifest))}\n`).join('')}`
  const diffs = manifests
    .map(
      manifest =>
        `\n${escapeMarkdown(manifestTitle(manifest))}\n\n${manifest.diff === '' ? '' : fence('diff', manifest.diff)}`,
    )
    .join('')
  return {
    versions: [
      details(item.name, `${about}${fieldList}${diffs}`),
      details(item.name, `${about}${fieldList}${objects}`),
      details(item.name, about),
    ],
  }
}

function details(name: string, content: string): string {
  return `<details><summary>${inlineCode(name)}</summary>\n\n${content}\n</details>\n\n`
}

/** A fence that nothing inside can close. */
function fence(language: string, content: string): string {
  const longest = Math.max(0, ...(content.match(/`+/g) ?? []).map(run => run.length))
  const ticks = '`'.repeat(Math.max(3, longest + 1))
  const text = content.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD')
  return `${ticks}${language}\n${text.endsWith('\n') ? text : `${text}\n`}${ticks}\n`
}

/** As HTML, because GitHub and GitLab look for mentions and references everywhere but in code. */
function inlineCode(text: string): string {
  return `<code>${escapeMarkdown(text)}</code>`
}

/**
 * Every character that Markdown or HTML could take for more than itself, as a character reference. Letters of any
 * script stay; a name with an `@` or `#` mentions nobody.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replaceAll(/[!-,:-@[-`{-~]/g, character => `&#${character.charCodeAt(0)};`)
}

function oneLine(text: string): string {
  // Marks that turn the direction of writing would let a name show as another.
  return text.replaceAll(/\s/gu, ' ').replaceAll(/[\p{Cc}\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu, '\uFFFD')
}

class BoundedText {
  readonly #parts: string[]
  #left: number
  #shortened = 0
  #omitted = 0

  constructor(head: string, maxCharacters: number) {
    this.#parts = [head]
    this.#left = maxCharacters - head.length
  }

  add(text: string): void {
    this.#parts.push(text)
    this.#left -= text.length
  }

  addFirstThatFits(versions: readonly string[]): void {
    const index = versions.findIndex(text => text.length <= this.#left)
    if (index < 0) this.#omitted++
    else this.add(versions[index]!)
    if (index > 0) this.#shortened++
  }

  text(): string {
    const parts = [
      ...(this.#shortened > 0 ? [`${this.#shortened} Applications are shown without all of their differences`] : []),
      ...(this.#omitted > 0 ? [`${this.#omitted} entries are not shown`] : []),
    ]
    if (parts.length > 0)
      this.add(`\n_This comment is full: ${parts.join(', and ')}. The command prints everything._\n`)
    return this.#parts.join('')
  }
}

import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type {
  ApplicationDiff,
  HeldApplication,
  ManifestChange,
  Preview,
  PreviewedApplication,
  PreviewNote,
} from '@flotilla/hub/preview/preview'
import type { Colours } from './colours.ts'
import { printable } from './table.ts'

/** A preview for people at a terminal. */
export function previewText(preview: Preview, colours: Colours): string {
  const { created, updated, deleted, held } = preview
  const lines: string[] = []
  const block = (mark: string, item: PreviewedApplication, more: readonly string[]): void => {
    lines.push(`${mark} ${colours.bold(printable(item.name))}  ${colours.dim(aboutText(item))}`, ...more, '')
  }
  for (const item of created) block(colours.green('+'), item, [...notesText(item.notes), ...objectsText(item.diff)])
  for (const item of updated)
    block(colours.yellow('~'), item, [...notesText(item.notes), ...diffText(item.diff, colours)])
  for (const item of deleted) block(colours.red('-'), item, [`    ${deletionText(item)}`])
  for (const item of held) block(colours.yellow('!'), item, [`    ${heldText(item)}`, ...diffText(item.diff, colours)])
  lines.push(summaryText(preview))
  return `${lines.join('\n')}\n`
}

/** `1 to create, 2 to update; 40 unchanged`. */
export function summaryText({ created, updated, deleted, held, unchanged, cut }: Preview): string {
  const counts = [
    [created.length, 'to create'],
    [updated.length, 'to update'],
    [deleted.length, 'to delete'],
    [held.length, 'held'],
  ] as const
  const shown = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  const text = `${shown.length === 0 ? 'nothing changes' : shown.join(', ')}; ${unchanged} unchanged`
  return cut === undefined ? text : `${text} (${cut})`
}

/** Where an Application goes and comes from, in one line. */
export function aboutText({ project, cluster, set, provenance }: PreviewedApplication): string {
  const { file, line, generator, element } = provenance
  const from = set === undefined ? 'written by hand' : `set ${set}, generator ${generator} element ${element}`
  return printable(`project ${project}, cluster ${cluster || 'unknown'}, ${from}, ${file}:${line}`)
}

export function deletionText({
  objects,
  manifests,
}: {
  readonly objects: 'prune' | 'detach'
  readonly manifests: readonly string[]
}): string {
  const count = manifests.length
  if (count === 0) return 'it was never applied: nothing is removed from a cluster'
  const many = `${count} object${count === 1 ? '' : 's'}`
  return objects === 'prune'
    ? `${many} will be removed from the cluster: ${printable(someOf(manifests))}`
    : `${many} will stay in the cluster, and nobody keeps them: ${printable(someOf(manifests))}`
}

const HELD_VERBS = {
  create: 'is not created',
  update: 'is not updated',
  delete: 'is not deleted',
  move: 'stays where it was',
} as const

const AFTERWARDS = { prune: 'are removed from the cluster', detach: 'stay in the cluster' } as const

export function heldText({ change, code, reason, at, objects }: HeldApplication): string {
  const place = at ? ` (${at.file}:${at.line}:${at.column})` : ''
  const then = objects === undefined ? '' : `; once approved, its objects ${AFTERWARDS[objects]}`
  return printable(`${HELD_VERBS[change]}: ${code} ${reason}${place}${then}`)
}

/** `spec.source.path: apps/old → apps/new`. */
export function fieldText({
  path,
  before,
  after,
}: {
  readonly path: string
  readonly before?: Json
  readonly after?: Json
}): string {
  const text = (value: Json | undefined): string =>
    value === undefined ? '(none)' : typeof value === 'string' ? value : canonicalJson(value)
  return `${path}: ${text(before)} → ${text(after)}`
}

export function manifestTitle({ object, change, pruned }: ManifestChange): string {
  if (change !== 'removed') return `${change} ${object}`
  return pruned ? `removed ${object}, and from the cluster` : `removed ${object}, which stays in the cluster`
}

function notesText(notes: readonly PreviewNote[]): readonly string[] {
  return notes.map(({ message }) => `    ${printable(message)}`)
}

function objectsText({ manifests }: ApplicationDiff): readonly string[] {
  return manifests.length === 0 ? [] : [`    ${printable(someOf(manifests.map(({ object }) => object)))}`]
}

function diffText({ fields, manifests }: ApplicationDiff, colours: Colours): readonly string[] {
  const lines = fields.map(field => `    ${printable(fieldText(field))}`)
  for (const manifest of manifests) {
    lines.push(`    ${colours.bold(printable(manifestTitle(manifest)))}`)
    if (manifest.change === 'created' || manifest.diff === '') continue
    for (const line of manifest.diff.trimEnd().split('\n')) {
      const paint = line.startsWith('+') ? colours.green : line.startsWith('-') ? colours.red : String
      lines.push(`      ${paint(printable(line))}`)
    }
  }
  return lines
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}

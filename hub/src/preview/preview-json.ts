import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { ApplicationDiff, Preview, PreviewedApplication } from './preview.ts'

/** A preview as the command and the API print it; the members in the order that they promise. */
export function previewJson({ created, updated, deleted, held, unchanged, diagnostics, cut }: Preview): JsonObject {
  return {
    created: created.map(({ diff, notes, ...about }) => ({
      ...aboutJson(about),
      diff: diffJson(diff),
      notes: list(notes),
    })),
    updated: updated.map(({ diff, notes, ...about }) => ({
      ...aboutJson(about),
      diff: diffJson(diff),
      notes: list(notes),
    })),
    deleted: deleted.map(({ objects, manifests, ...about }) => ({ ...aboutJson(about), objects, manifests })),
    held: held.map(({ change, code, reason, at, objects, diff, ...about }) => ({
      ...aboutJson(about),
      change,
      code,
      reason,
      ...(at ? { at: { ...at } } : {}),
      ...(objects ? { objects } : {}),
      diff: diffJson(diff),
    })),
    unchanged,
    diagnostics: diagnostics.map(({ severity, code, file, line, column, message, hint, isNew }) => ({
      severity,
      code,
      file,
      line,
      column,
      message,
      ...(hint === undefined ? {} : { hint }),
      new: isNew,
    })),
    ...(cut === undefined ? {} : { cut }),
  }
}

/** Whether the change does anything at all. */
export function hasChanges({ created, updated, deleted, held }: Preview): boolean {
  return created.length + updated.length + deleted.length + held.length > 0
}

function aboutJson({ name, project, cluster, namespace, set, provenance }: PreviewedApplication): JsonObject {
  const { source, set: _, file, line, column, generator, element, params } = provenance
  return {
    name,
    project,
    cluster,
    namespace,
    ...(set === undefined ? {} : { set }),
    provenance: {
      ...(source === '' ? {} : { source }),
      ...(set === undefined ? {} : { set }),
      file,
      line,
      column,
      ...(generator === undefined ? {} : { generator, element, params }),
    },
  }
}

function diffJson({ fields, manifests }: ApplicationDiff): JsonObject {
  return { fields: list(fields), manifests: list(manifests) }
}

function list(items: readonly object[]): readonly Json[] {
  return items.map(item => ({ ...item })) as readonly Json[]
}

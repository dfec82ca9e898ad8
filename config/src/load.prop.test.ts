import type { Trust } from '@flotilla/core/model/fleet'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ConfigLoad, load } from './load.ts'
import { LoadCache } from './load-cache.ts'

const ALL: Trust = { kind: 'all' }

interface Doc {
  readonly name: string
  readonly path: string
}

function text({ name, path }: Doc, breakage: 'none' | 'schema' | 'syntax'): string {
  if (breakage === 'syntax') return `kind: Application\nmetadata: {name: ${name}\nspec: [\n`
  const extra = breakage === 'schema' ? '  nonsense: 1\n' : ''
  return `apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: ${name}}
spec:
  project: shop
  source: {repoURL: https://git.example.com/a.git, path: ${path}}
  destination: {name: eu-1}
${extra}`
}

/** Files of several documents each, with names that are all different. */
const files = fc
  .uniqueArray(fc.nat({ max: 99 }), { minLength: 1, maxLength: 12 })
  .chain(ids =>
    fc
      .array(fc.integer({ min: 0, max: 3 }), { minLength: ids.length, maxLength: ids.length })
      .map(places =>
        ids.map((id, index) => ({ file: `f${places[index]}.yaml`, doc: { name: `app-${id}`, path: 'old' } })),
      ),
  )

type Placed = { readonly file: string; readonly doc: Doc }

function read(documents: readonly (Placed & { readonly breakage?: 'schema' | 'syntax' })[], rest = {}): ConfigLoad {
  const texts = new Map<string, string[]>()
  for (const { file, doc, breakage } of documents) {
    texts.set(file, [...(texts.get(file) ?? []), text(doc, breakage ?? 'none')])
  }
  const list = [...texts].map(([path, parts]) => ({ path, text: parts.join('---\n') }))
  return load({ source: 's', trust: ALL, files: list, ...rest })
}

function inForce(result: ConfigLoad): Record<string, string> {
  return Object.fromEntries(result.fleet.applications.map(one => [one.name, one.spec.source?.path ?? '']))
}

test('what is broken stays as it was, everything else moves on, and mending moves it on too', () => {
  fc.assert(
    fc.property(files, fc.nat(), fc.constantFrom('schema' as const, 'syntax' as const), (before, pick, breakage) => {
      const first = read(before)
      expect(first.diagnostics.filter(one => one.severity === 'error')).toEqual([])
      const victim = before[pick % before.length]!.doc.name
      const after = before.map(({ file, doc }) => ({
        file,
        doc: { ...doc, path: 'new' },
        ...(doc.name === victim ? { breakage } : {}),
      }))
      const second = read(after, { lastGood: JSON.parse(JSON.stringify(first.lastGood)) })
      const expected = Object.fromEntries(before.map(({ doc }) => [doc.name, doc.name === victim ? 'old' : 'new']))
      expect(inForce(second)).toEqual(expected)
      expect(second.documents.filter(one => one.state === 'last-good').map(one => one.name)).toEqual([victim])
      expect(second.documents).toHaveLength(before.length)
      // However long it stays broken.
      expect(inForce(read(after, { lastGood: second.lastGood }))).toEqual(expected)
      const mended = read(
        after.map(({ file, doc }) => ({ file, doc })),
        { lastGood: second.lastGood },
      )
      expect(new Set(Object.values(inForce(mended)))).toEqual(new Set(['new']))
    }),
  )
})

test('with a cache or without, and in any order of files, the result is the same', () => {
  fc.assert(
    fc.property(files, files, (before, after) => {
      const cache = new LoadCache()
      const first = read(before, { cache })
      const cached = read(after, { cache, lastGood: first.lastGood })
      const plain = read(
        [...after].sort((a, b) => (a.file < b.file ? 1 : a.file > b.file ? -1 : 0)),
        { lastGood: first.lastGood },
      )
      expect(inForce(cached)).toEqual(inForce(plain))
      expect(cached.lastGood).toEqual(plain.lastGood)
      expect(cached.diagnostics).toEqual(plain.diagnostics)
    }),
  )
})

test('no text makes it throw, and what it remembers can be stored', () => {
  const words = [
    'apiVersion: flotilla.dev/v1alpha1\n',
    'kind: Application\n',
    'kind: List\n',
    'items:\n',
    '- ',
    'metadata:\n',
    '  name: a\n',
    'spec:\n',
    '  generators:\n',
    '  - matrix: {}\n',
    '---\n',
    '[',
    '}',
    'kind: Project\n',
    'kind: Secret\n',
    'null\n',
    '1: 2\n',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 20 }), parts => {
      const result = load({ source: 's', trust: ALL, files: [{ path: 'a.yaml', text: parts.join('') }] })
      expect(JSON.parse(JSON.stringify(result.lastGood))).toEqual(result.lastGood)
      for (const document of result.documents) expect(document.line).toBeGreaterThan(0)
    }),
    { numRuns: 500 },
  )
})

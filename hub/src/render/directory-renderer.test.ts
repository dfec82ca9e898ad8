import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import type { ApplicationSource } from '@flotilla/core/model/application'
import { keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { RenderProblem } from '@flotilla/core/ports/renderer'
import { describe, expect, it } from 'vitest'
import type { MemoryFile } from '../source/git/memory-backend.ts'
import { openMemoryRepository } from '../source/testing/memory-repository.ts'
import { directoryRenderer } from './directory-renderer.ts'

const configMap = (name: string, extra = '') => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${extra}`
const source = (more: Partial<ApplicationSource> = {}): ApplicationSource => ({
  repoURL: 'memory',
  path: 'app',
  ...more,
})

interface Case {
  readonly files: Readonly<Record<string, MemoryFile>>
  readonly source?: Partial<ApplicationSource>
  readonly limits?: Parameters<typeof directoryRenderer>[0]
}

async function renderCase({ files, source: more, limits }: Case) {
  const { repository, commit: push } = await openMemoryRepository()
  const commit = await push(files)
  const result = await directoryRenderer(limits).render({ source: source(more), repository, commit })
  if (result.kind === 'failed') return { problems: result.problems.map(text) }
  const { digest, bytes } = result.bundle
  return {
    objects: decodeBundle(bytes, digest).objects.map(object => objectKeyText(keyOf(object))),
    ...(result.warnings.length > 0 ? { warnings: result.warnings.map(text) } : {}),
  }
}

function text({ code, message, file, line, column }: RenderProblem): string {
  return `${[file, line, column].filter(part => part !== undefined).join(':')} ${code} ${message}`.trim()
}

describe('a directory renders', () => {
  const cases: Record<string, Case & { readonly objects: readonly string[]; readonly warnings?: readonly string[] }> = {
    'YAML and JSON files, several documents a file, in canonical order': {
      files: {
        'app/b.yaml': `${configMap('b')}---\n---\n# nothing\n---\n${configMap('a')}`,
        'app/c.yml': configMap('c'),
        'app/d.json': '{\n\t"apiVersion": "v1",\n\t"kind": "Service",\n\t"metadata": {"name": "d"}\n}',
        'app/README.md': 'not a manifest',
        'app/values.yaml.tpl': '{{ nothing }}',
        'other/x.yaml': configMap('x'),
      },
      objects: ['ConfigMap a', 'ConfigMap b', 'ConfigMap c', 'Service d'],
    },
    'only the folder itself unless recurse is set': {
      files: { 'app/a.yaml': configMap('a'), 'app/sub/b.yaml': configMap('b') },
      objects: ['ConfigMap a'],
    },
    'folders below with recurse, hidden ones too': {
      files: { 'app/a.yaml': configMap('a'), 'app/sub/deep/b.yaml': configMap('b'), 'app/.h/c.yaml': configMap('c') },
      source: { directory: { recurse: true } },
      objects: ['ConfigMap a', 'ConfigMap b', 'ConfigMap c'],
    },
    'what include names, where a star crosses folders': {
      files: { 'app/a.yaml': configMap('a'), 'app/x/y/b.yaml': configMap('b'), 'app/x/c.json': configMap('c') },
      source: { directory: { recurse: true, include: 'x/*.yaml' } },
      objects: ['ConfigMap b'],
    },
    'without what exclude names, alternatives in braces': {
      files: {
        'app/a.yaml': configMap('a'),
        'app/x/b.yaml': configMap('b'),
        'app/config.json': '{"not": "a manifest"}',
      },
      source: { directory: { recurse: true, exclude: '{config.json,x/*}' } },
      objects: ['ConfigMap a'],
    },
    'without what both name': {
      files: { 'app/a.yaml': configMap('a'), 'app/ab.yaml': configMap('ab') },
      source: { directory: { include: 'a*', exclude: '??.yaml' } },
      objects: ['ConfigMap a'],
    },
    'the items of lists, nested and typed': {
      files: {
        'app/a.yaml': `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Pod, metadata: {name: q}}`,
        'app/b.yaml': 'apiVersion: v1\nkind: ConfigMapList\nitems:\n- {metadata: {name: c}}',
      },
      objects: ['ConfigMap c', 'Pod p', 'Pod q'],
    },
    'the root of the repository, however it is written': {
      files: { 'a.yaml': configMap('a') },
      source: { path: '././/' },
      objects: ['ConfigMap a'],
    },
    'links to files inside the repository': {
      files: {
        'app/a.yaml': { symlink: '../shared/a.yaml' },
        'shared/a.yaml': { symlink: 'b.txt' },
        'shared/b.txt': configMap('a'),
      },
      objects: ['ConfigMap a'],
    },
    'a folder that is itself a link': {
      files: { app: { symlink: 'versions/v2' }, 'versions/v2/a.yaml': configMap('v2') },
      objects: ['ConfigMap v2'],
    },
    'not what a link to a folder leads to, and says so': {
      files: { 'app/a.yaml': configMap('a'), 'app/base': { symlink: '../base' }, 'base/b.yaml': configMap('b') },
      source: { directory: { recurse: true } },
      objects: ['ConfigMap a'],
      warnings: ['app/base MANIFEST_INVALID a link to a folder is not followed'],
    },
    'no file that carries the mark of Argo CD for being skipped': {
      files: { 'app/a.yaml': configMap('a'), 'app/values.yaml': '# +argocd:skip-file-rendering\nreplicas: 3\n' },
      objects: ['ConfigMap a'],
    },
    'two objects with generated names': {
      files: {
        'app/a.yaml':
          'apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}',
      },
      objects: ['Pod ', 'Pod '],
    },
    'a Kustomize folder as plain files when the document says directory': {
      files: { 'app/a.yaml': configMap('a'), 'app/Kustomization': 'resources: [a.yaml]' },
      source: { directory: { recurse: false } },
      objects: ['ConfigMap a'],
    },
    'nothing, with a warning, where there are no manifests': {
      files: { 'app/README.md': 'hello' },
      objects: [],
      warnings: ['EMPTY_BUNDLE no manifest in "app"'],
    },
  }
  for (const [name, { objects, warnings, ...input }] of Object.entries(cases)) {
    it(name, async () => {
      expect(await renderCase(input)).toEqual({ objects, ...(warnings ? { warnings } : {}) })
    })
  }
})

describe('a directory is refused', () => {
  const good = { 'app/a.yaml': configMap('a') }
  const cases: Record<string, Case & { readonly problems: readonly string[] }> = {
    'when the path is missing': {
      files: good,
      source: { path: 'apps/web' },
      problems: ['PATH_MISSING "apps" is not in the repository'],
    },
    'when the path is a file': {
      files: good,
      source: { path: 'app/a.yaml' },
      problems: ['PATH_MISSING "app/a.yaml" is a file; a source is a folder'],
    },
    'when the path leaves the repository': {
      files: good,
      source: { path: '../other' },
      problems: ['PATH_MISSING "../other" leaves the repository'],
    },
    'when the path leaves the repository after entering it': {
      files: good,
      source: { path: 'app/../../etc' },
      problems: ['PATH_MISSING "app/../../etc" leaves the repository'],
    },
    'when the path is absolute': {
      files: good,
      source: { path: '/etc' },
      problems: [`PATH_MISSING "/etc" is absolute; paths start at the repository's root`],
    },
    'when the path is a link out of the repository': {
      files: { app: { symlink: '/etc' } },
      problems: ['PATH_MISSING "app" links to "/etc", outside the repository'],
    },
    'when the path is a submodule': {
      files: { app: { submodule: '1'.repeat(40) } },
      problems: ['PATH_MISSING "app" is a submodule, which is not read'],
    },
    'with every link that leads nowhere': {
      files: {
        'app/a.yaml': { symlink: '/etc/passwd' },
        'app/b.yaml': { symlink: '../../b.yaml' },
        'app/c.yaml': { symlink: 'gone.yaml' },
        'app/d.yaml': { symlink: 'd.yaml' },
        'app/e.yaml': { symlink: '../../../../../../etc/shadow' },
      },
      problems: [
        'app/a.yaml MANIFEST_INVALID the symbolic link leads nowhere: "app/a.yaml" links to "/etc/passwd", outside the repository',
        'app/b.yaml MANIFEST_INVALID the symbolic link leads nowhere: "app/b.yaml" leaves the repository',
        'app/c.yaml MANIFEST_INVALID the symbolic link leads nowhere: "app/gone.yaml" is not in the repository',
        'app/d.yaml MANIFEST_INVALID the symbolic link leads nowhere: "app/d.yaml" passes more than 16 symbolic links',
        'app/e.yaml MANIFEST_INVALID the symbolic link leads nowhere: "app/e.yaml" leaves the repository',
      ],
    },
    'with the place of every mistake in every file': {
      files: {
        'app/a.yaml': `${configMap('a')}---\nkind: ConfigMap\nmetadata: {}\n`,
        'app/b.yaml': 'a: [1\n',
        'app/c.yaml': 'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: 17\n',
        'app/d.yaml': 'just text\n',
      },
      problems: [
        'app/a.yaml:6:1 MANIFEST_INVALID apiVersion is missing',
        expect.stringMatching(/^app\/b\.yaml:\d+:\d+ MANIFEST_INVALID YAML_SYNTAX: /) as unknown as string,
        'app/c.yaml:7:11 MANIFEST_INVALID metadata.name must be a string, this is the number 17',
        'app/d.yaml:1:1 MANIFEST_INVALID a manifest must be a map, this is the string just text',
      ],
    },
    'with a hook of a word that nobody knows': {
      files: {
        'app/a.yaml':
          'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\n  annotations:\n    argocd.argoproj.io/hook: PreSinc\n',
      },
      problems: ['app/a.yaml:6:5 MANIFEST_INVALID batch/Job a: hook "PreSinc" is not known; did you mean "PreSync"?'],
    },
    'when two files declare one object, naming both': {
      files: { 'app/a.yaml': `\n${configMap('a')}`, 'app/b.yaml': `${configMap('x')}---\n${configMap('a')}` },
      problems: ['app/b.yaml:6:1 MANIFEST_INVALID ConfigMap a is declared twice; the other is at app/a.yaml:2'],
    },
    'when one object has two versions of its API': {
      files: {
        'app/a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}',
        'app/b.yaml': 'apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}',
      },
      problems: ['app/b.yaml:1:1 MANIFEST_INVALID apps/Deployment a is declared twice; the other is at app/a.yaml:1'],
    },
    'when a file is too large': {
      files: { 'app/a.yaml': configMap('a', `data: {x: "${'x'.repeat(2000)}"}`), 'app/b.yaml': configMap('b') },
      limits: { maxFileBytes: 1000 },
      problems: ['app/a.yaml MANIFEST_INVALID the file has more than 1000 bytes'],
    },
    'when there are too many files': {
      files: { 'app/a.yaml': configMap('a'), 'app/b.yaml': configMap('b') },
      limits: { maxFiles: 1 },
      problems: ['app RENDER_FAILED more than 1 files match'],
    },
    'when the files are too large together': {
      files: { 'app/a.yaml': configMap('a'), 'app/b.yaml': configMap('b') },
      limits: { maxTotalBytes: 80 },
      problems: ['app/b.yaml RENDER_FAILED the manifests have more than 80 bytes together'],
    },
    'when a file is not UTF-8': {
      files: { 'app/a.yaml': new Uint8Array([0x61, 0xff, 0xfe]) },
      problems: ['app/a.yaml:1:1 MANIFEST_INVALID the file is not UTF-8 text'],
    },
    'when aliases multiply without end': {
      files: { 'app/a.yaml': bomb() },
      problems: [expect.stringMatching(/^app\/a\.yaml:\d+:\d+ MANIFEST_INVALID YAML_ALIAS: /) as unknown as string],
    },
    'when lists nest without end': {
      files: { 'app/a.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: ${'['.repeat(5000)}` },
      problems: [expect.stringMatching(/^app\/a\.yaml:\d+:\d+ MANIFEST_INVALID YAML_SYNTAX: /) as unknown as string],
    },
    'when include is no pattern': {
      files: good,
      source: { directory: { include: '{a' } },
      problems: ['RENDER_FAILED directory.include: glob "{a": has a "{" that is not closed'],
    },
    'when Argo CD would find a Kustomize folder': {
      files: { ...good, 'app/kustomization.yaml': 'resources: [a.yaml]' },
      problems: ['app/kustomization.yaml UNSUPPORTED_SOURCE Kustomize is not rendered yet'],
    },
    'when Argo CD would find a Helm chart': {
      files: { 'app/Chart.yaml': 'name: web', 'app/templates/a.yaml': configMap('a') },
      problems: ['app/Chart.yaml UNSUPPORTED_SOURCE Helm is not rendered yet'],
    },
    'when a file overrides the source': {
      files: { ...good, 'app/.argocd-source-web.yaml': 'helm: {}' },
      problems: ['app/.argocd-source-web.yaml UNSUPPORTED_SOURCE source overrides in files are not read yet'],
    },
    'when there is Jsonnet among the files': {
      files: { ...good, 'app/b.jsonnet': '{}' },
      problems: ['app/b.jsonnet UNSUPPORTED_SOURCE Jsonnet is not rendered yet'],
    },
    'when the source is for other tools, each named': {
      files: good,
      source: {
        chart: 'nginx',
        helm: {},
        kustomize: {},
        plugin: {},
        ref: 'values',
        directory: { jsonnet: { libs: [] } },
      },
      problems: [
        'UNSUPPORTED_SOURCE Helm charts (chart "nginx") are not rendered yet',
        'UNSUPPORTED_SOURCE sources with "helm" are not rendered yet',
        'UNSUPPORTED_SOURCE sources with "kustomize" are not rendered yet',
        'UNSUPPORTED_SOURCE sources with "plugin" are not rendered yet',
        'UNSUPPORTED_SOURCE sources that only give a name to files ("ref") are not read yet',
        'UNSUPPORTED_SOURCE Jsonnet ("directory.jsonnet") is not rendered yet',
      ],
    },
  }
  for (const [name, { problems, ...input }] of Object.entries(cases)) {
    it(name, async () => expect(await renderCase(input)).toEqual({ problems }))
  }
})

describe('the input key', () => {
  async function keys(steps: readonly Readonly<Record<string, MemoryFile>>[], more?: Partial<ApplicationSource>) {
    const { repository, commit: push } = await openMemoryRepository()
    const renderer = directoryRenderer()
    const found: string[] = []
    for (const files of steps) {
      const result = await renderer.inputKey({ source: source(more), repository, commit: await push(files) })
      found.push(result.kind === 'key' ? result.key : 'failed')
    }
    return { found, repository, push, renderer }
  }

  it('stays when a commit touches another folder, and changes when it touches this one', async () => {
    const app = { 'app/a.yaml': configMap('a') }
    const { found } = await keys([app, { ...app, 'other/b.yaml': '1' }, { 'app/a.yaml': configMap('b') }])
    expect(found[1]).toBe(found[0])
    expect(found[2]).not.toBe(found[0])
  })

  it('is one for equal folders at different paths, and another for other options', async () => {
    const files = { 'app/a.yaml': configMap('a'), 'copy/a.yaml': configMap('a') }
    const { found } = await keys([files])
    expect((await keys([files], { path: 'copy' })).found).toEqual(found)
    expect((await keys([files], { directory: { recurse: true } })).found).not.toEqual(found)
    expect((await keys([files], { directory: { include: 'a*' } })).found).not.toEqual(found)
  })

  it('changes with any commit where links may lead anywhere', async () => {
    const app = { 'app/a.yaml': { symlink: '../shared.yaml' }, 'shared.yaml': configMap('a') }
    const { found } = await keys([app, { ...app, 'shared.yaml': configMap('b') }])
    expect(found[1]).not.toBe(found[0])
  })

  it('reads no file, and one tree a segment', async () => {
    const { repository, push, renderer } = await keys([{ 'app/a.yaml': configMap('a') }])
    const before = { ...repository.counters }
    const commit = await push({ 'app/a.yaml': configMap('a'), 'other/b.yaml': '1' })
    await renderer.inputKey({ source: source(), repository, commit })
    const { treesRead, blobsRead, commitsRead } = repository.counters
    // The root is new; the folder itself is known by its id.
    expect([treesRead, blobsRead, commitsRead]).toEqual([before.treesRead + 1, 0, before.commitsRead + 1])
  })
})

function bomb(): string {
  const lines = [
    'apiVersion: v1',
    'kind: ConfigMap',
    'metadata: {name: bomb}',
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
  ]
  for (let level = 1; level < 9; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`)
  }
  return lines.join('\n')
}

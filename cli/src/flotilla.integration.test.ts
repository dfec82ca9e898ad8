import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const COMMAND = fileURLToPath(new URL('../bin/flotilla.mjs', import.meta.url))
const BUNDLED = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
const EXAMPLE = fileURLToPath(new URL('../../examples/three-environments', import.meta.url))
const URL_OF_EXAMPLE = 'https://git.example.com/fleet/three-environments.git'
const REPO = ['--repo', `${URL_OF_EXAMPLE}=.`]

let folder: string

/** The example in a repository of its own, so that nothing around it matters. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-cli-'))
  cpSync(EXAMPLE, folder, { recursive: true })
  git('init', '-q')
  git('add', '-A')
  git('commit', '-qm', 'begin')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function git(...words: string[]): void {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main']
  execFileSync('git', ['-C', folder, ...identity, ...words])
}

/** The real command, as a process of its own. */
function flotilla(words: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...words], {
    cwd: options.cwd ?? folder,
    env: { ...process.env, ...options.env },
    encoding: 'utf8',
    timeout: 120_000,
  })
  return { status, stdout, stderr }
}

function put(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

describe('validate', () => {
  test('a sound fleet: nothing on stdout, 0', () => {
    expect(flotilla(['validate', 'fleet/clusters'])).toMatchObject({ status: 0, stdout: '' })
    expect(flotilla(['validate', 'fleet/clusters']).stderr).toMatch(/^no mistakes in \d files\n$/)
  })

  test('Projects that are applied with the rights of the agents are told', () => {
    const { status, stdout, stderr } = flotilla(['validate', 'fleet'])
    expect([status, stderr]).toEqual([0, '2 warnings in 10 files\n'])
    expect(stdout.split('\n').filter(line => line.startsWith('fleet/'))).toEqual([
      expect.stringMatching(/^fleet\/projects\/platform.yaml:3:18 IMPERSONATION_ABSENT Project "platform" names no/),
      expect.stringMatching(/^fleet\/projects\/shop.yaml:3:18 IMPERSONATION_ABSENT/),
    ])
  })

  test('mistakes are data: on stdout, with 1; as JSON with every member', () => {
    put('broken/a.yaml', 'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: a}\nspec: {locl: true}\n')
    const text = flotilla(['validate', 'broken'])
    expect(text).toEqual({
      status: 1,
      stdout: 'broken/a.yaml:4:8 UNKNOWN_FIELD there is no field "locl" in spec\n  hint: did you mean "local"?\n',
      stderr: '1 error in 1 file\n',
    })
    const json = flotilla(['validate', 'broken', '-o', 'json'])
    expect([json.status, JSON.parse(json.stdout)]).toEqual([
      1,
      {
        diagnostics: [
          {
            severity: 'error',
            code: 'UNKNOWN_FIELD',
            file: 'broken/a.yaml',
            line: 4,
            column: 8,
            message: 'there is no field "locl" in spec',
            hint: 'did you mean "local"?',
          },
        ],
      },
    ])
    expect(flotilla(['validate', 'broken/a.yaml']).stdout).toBe(text.stdout)
  })

  test('a warning is no failure, and --quiet leaves the talk out', () => {
    put('warned/a.yaml', 'apiVersion: flotilla.dev/v1alpha1\nkind: Team\nmetadata: {name: a}\n')
    expect(flotilla(['validate', 'warned', '--quiet'])).toMatchObject({ status: 0, stderr: '' })
  })

  test('what cannot be read is said, one file at a time', () => {
    put('odd/latin.yaml', '')
    writeFileSync(join(folder, 'odd/latin.yaml'), Buffer.from([0x61, 0x3a, 0xe9]))
    put('odd/large.yaml', `# ${'x'.repeat(1024 * 1024)}\n`)
    symlinkSync('/etc/hostname', join(folder, 'odd/absolute.yaml'))
    symlinkSync('../../outside.yaml', join(folder, 'odd/outside.yaml'))
    // A hub follows links through the whole repository, and so does the command.
    symlinkSync('../fleet/projects/shop.yaml', join(folder, 'odd/elsewhere.yaml'))
    symlinkSync('good/cluster.yaml', join(folder, 'odd/inside.yaml'))
    put('odd/good/cluster.yaml', 'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: a}\n')
    const { status, stdout } = flotilla(['validate', 'odd'])
    const found = stdout.split('\n').filter(line => line.startsWith('odd/'))
    expect(status).toBe(1)
    expect(found.map(line => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'odd/absolute.yaml:1:1 FILE_UNREADABLE',
      // Any of the files that cannot be read may hold a Project.
      'odd/absolute.yaml:1:1 POLICY_KEPT',
      'odd/inside.yaml:3:18 DUPLICATE_NAME',
      'odd/large.yaml:1:1 FILE_TOO_LARGE',
      'odd/latin.yaml:1:1 FILE_UNREADABLE',
      'odd/outside.yaml:1:1 FILE_UNREADABLE',
    ])
    expect(stdout).toContain(
      'it is a symbolic link, and "odd/outside.yaml" leaves the repository\n  hint: put the file',
    )
    rmSync(join(folder, 'odd'), { recursive: true })
  })

  test('what a hub would hold is a warning: a Project that does not permit the destination', () => {
    cpSync(join(folder, 'fleet'), join(folder, 'held'), { recursive: true })
    const project = readFileSync(join(folder, 'fleet/projects/shop.yaml'), 'utf8')
    put('held/projects/shop.yaml', project.replace('{name: "*",', '{name: "prod-*",'))
    const { status, stdout } = flotilla(['expand', 'held', ...REPO, '-o', 'json'])
    rmSync(join(folder, 'held'), { recursive: true })
    expect(JSON.parse(stdout).diagnostics).toEqual([
      expect.objectContaining({
        severity: 'warning',
        code: 'DESTINATION_FORBIDDEN',
        file: 'held/applicationsets/shop.yaml',
        message: expect.stringMatching(/project "shop" may not deploy to cluster "dev-1".*\(and 3 more of the set\)$/),
      }),
    ])
    expect(status).toBe(0)
  })
})

describe('expand', () => {
  test('names every Application of the sets', () => {
    const { status, stdout, stderr } = flotilla(['expand', 'fleet', ...REPO, '-o', 'name'])
    expect([status, stderr]).toEqual([0, ''])
    const names = stdout.trim().split('\n')
    expect([names.length, names[0]]).toEqual([13, 'monitoring-prod-eu-1'])
    expect(names).not.toContain('welcome')
  })

  test('JSON has items with their provenance, and diagnostics', () => {
    const { stdout } = flotilla(['expand', 'fleet', ...REPO, '--set', 'shop', '-o', 'json'])
    const { items, diagnostics } = JSON.parse(stdout)
    expect(diagnostics).toEqual([])
    expect(items).toHaveLength(8)
    expect(items[0]).toMatchObject({
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Application',
      metadata: { name: 'checkout-dev-1' },
      spec: { source: { path: 'apps/checkout/dev' } },
      provenance: {
        set: 'shop',
        file: 'fleet/applicationsets/shop.yaml',
        line: 7,
        column: 5,
        generator: '0',
        element: 0,
      },
    })
    expect(items[0].provenance.params).toMatchObject({ name: 'dev-1', 'path[1]': 'checkout' })
  })

  test('a repository without a folder is an error with the way out, and the rest is shown', () => {
    const { status, stdout, stderr } = flotilla(['expand', 'fleet'])
    expect(status).toBe(1)
    expect(stdout).toContain('monitoring-prod-eu-1')
    expect(stderr).toContain('INPUT_UNAVAILABLE')
    expect(stderr).toContain(`--repo ${URL_OF_EXAMPLE}=DIR`)
  })

  test('the own origin needs no mapping', () => {
    git('remote', 'add', 'origin', URL_OF_EXAMPLE)
    expect(flotilla(['expand', 'fleet', '-o', 'name']).status).toBe(0)
    git('remote', 'remove', 'origin')
  })

  test('--at reads a commit, config and folders alike, and not the files as they are', () => {
    put('apps/search/dev/config.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: search}\n')
    put(
      'fleet/clusters/dev-2.yaml',
      'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: dev-2, labels: {env: dev}}\n',
    )
    const now = flotilla(['expand', 'fleet', ...REPO, '-o', 'name']).stdout
    const then = flotilla(['expand', 'fleet', ...REPO, '-o', 'name', '--at', 'main']).stdout
    rmSync(join(folder, 'apps/search'), { recursive: true })
    rmSync(join(folder, 'fleet/clusters/dev-2.yaml'))
    expect(now).toContain('search-dev-2')
    expect(then.trim().split('\n')).toHaveLength(13)
    expect(flotilla(['expand', 'fleet', '--at', 'nowhere'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no revision "nowhere"'),
    })
  })

  test('a set that does not exist, with the nearest name', () => {
    expect(flotilla(['expand', 'fleet', '--set', 'shpo'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'error: there is no ApplicationSet "shpo"\n  hint: did you mean "shop"?\n',
    })
  })
})

describe('explain', () => {
  test('back from an Application to set, generator, parameters and template lines', () => {
    const { status, stdout } = flotilla(['explain', 'fleet', 'checkout-prod-eu-1', ...REPO, '-o', 'json'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      set: { name: 'shop', file: 'fleet/applicationsets/shop.yaml', line: 2 },
      generator: { path: '0', kind: 'matrix', line: 7, column: 5 },
      provenance: { params: { 'path[1]': 'checkout' } },
      template: expect.arrayContaining([
        {
          field: 'spec.source.path',
          template: '{{path}}',
          value: 'apps/checkout/prod',
          from: 'template',
          file: 'fleet/applicationsets/shop.yaml',
          line: 23,
          column: 15,
        },
      ]),
    })
    expect(flotilla(['explain', 'fleet', 'checkout-prod-eu-1', ...REPO]).stdout).toContain('by generator 0 (matrix) at')
    expect(flotilla(['explain', 'fleet', 'welcome', ...REPO]).stdout).toContain(
      'written by hand at fleet/applications/welcome.yaml:2:1',
    )
  })

  const affected: Record<string, [string[], string[]]> = {
    'a manifest affects what renders its folder': [
      ['apps/checkout/prod/config.yaml'],
      ['checkout-prod-eu-1', 'checkout-prod-us-1'],
    ],
    'a file of the files generator affects its whole set': [
      ['platform/quotas/search.yaml'],
      ['quota-checkout-prod-eu-1', 'quota-search-staging-1', 'quota-sandbox-dev-1'],
    ],
    'a cluster affects what is bound for it': [
      ['fleet/clusters/staging-1.yaml'],
      ['quota-search-staging-1', 'checkout-staging-1', 'storefront-staging-1'],
    ],
    'a file that nothing reads affects nothing': [['README.md'], []],
  }
  test.each(Object.entries(affected))('forwards: %s', (_, [files, names]) => {
    const { stdout } = flotilla(['explain', 'fleet', ...REPO, '-o', 'json', '--affected', ...files])
    expect(JSON.parse(stdout).applications.map((one: { name: string }) => one.name)).toEqual(names)
  })

  test('neither or both is wrong usage', () => {
    expect(flotilla(['explain', 'fleet']).status).toBe(2)
    expect(flotilla(['explain', 'fleet', 'web', '--affected', 'x']).status).toBe(2)
  })
})

describe('render', () => {
  test('the manifests in canonical order', () => {
    const { status, stdout, stderr } = flotilla(['render', 'fleet', 'checkout-prod-eu-1', ...REPO, '-o', 'name'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toBe('ConfigMap checkout\nService checkout\napps/Deployment checkout\n')
    const json = JSON.parse(flotilla(['render', 'fleet', 'checkout-prod-eu-1', ...REPO, '-o', 'json']).stdout)
    expect(json).toMatchObject({
      name: 'checkout-prod-eu-1',
      digest: expect.stringMatching(/^sha256:/),
      diagnostics: [],
    })
    expect(json.items).toHaveLength(3)
    const yaml = flotilla(['render', 'fleet', 'checkout-prod-eu-1', ...REPO]).stdout
    expect(yaml.match(/^---$/gm)).toHaveLength(3)
  })

  test('two clusters of one environment get one digest', () => {
    const digest = (app: string) => JSON.parse(flotilla(['render', 'fleet', app, ...REPO, '-o', 'json']).stdout).digest
    expect(digest('checkout-prod-eu-1')).toBe(digest('checkout-prod-us-1'))
  })

  test('a manifest that cannot be read is named in its repository', () => {
    put('apps/checkout/dev/broken.yaml', 'a: [\n')
    const { status, stdout, stderr } = flotilla(['render', 'fleet', 'checkout-dev-1', ...REPO])
    rmSync(join(folder, 'apps/checkout/dev/broken.yaml'))
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('apps/checkout/dev/broken.yaml:1:')
  })

  test('an Application that is not there, with the nearest name', () => {
    const { status, stderr } = flotilla(['render', 'fleet', 'checkot-dev-1', ...REPO])
    expect([status, stderr]).toEqual([
      1,
      'error: there is no Application "checkot-dev-1"\n  hint: did you mean "checkout-dev-1"?\n',
    ])
  })
})

describe('the command itself', () => {
  test('exit codes of wrong usage', () => {
    for (const words of [
      [],
      ['nonsense'],
      ['expand'],
      ['expand', 'a', 'b'],
      ['validate', 'fleet', '--nonsense'],
      ['validate', 'fleet', '-o', 'wide'],
    ]) {
      const { status, stdout, stderr } = flotilla(words)
      expect([status, stdout], words.join(' ')).toEqual([2, ''])
      expect(stderr).not.toBe('')
    }
  })

  test('help and version are answers, not mistakes', () => {
    expect(flotilla(['--help'])).toMatchObject({ status: 0, stderr: '' })
    expect(flotilla(['help', 'expand']).stdout).toContain('Examples:')
    expect(flotilla(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(JSON.parse(flotilla(['version', '-o', 'json']).stdout)).toEqual({
      version: expect.any(String),
      node: process.versions.node,
    })
  })

  test('a misspelt command is answered with the nearest', () => {
    expect(flotilla(['expnd', 'fleet']).stderr).toContain('Did you mean expand?')
  })

  test('completion in bash', () => {
    const script = flotilla(['completion', 'bash']).stdout
    const complete = (words: string) =>
      execFileSync(
        'bash',
        [
          '-c',
          `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _flotilla_complete; echo "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      ).trim()
    expect(complete('flotilla ex')).toBe('expand explain')
    expect(complete('flotilla expand fleet --s')).toBe('--set')
    expect(complete('flotilla --quiet val')).toBe('validate')
    expect(complete('flotilla agent pl')).toBe('plan')
    expect(complete('flotilla agent plan web --kube')).toBe('--kubeconfig')
    for (const shell of ['zsh', 'fish']) expect(flotilla(['completion', shell]).stdout).toContain('validate')
    expect(flotilla(['completion', 'tcsh']).status).toBe(2)
  })

  test('on a Node that cannot run it, it starts the one of the lock file, or says what is needed in one line', () => {
    // Without type stripping this Node is as old as one of before 22.18.
    const old = (env: Record<string, string>) =>
      spawnSync(process.execPath, ['--no-experimental-strip-types', COMMAND, 'version'], {
        env: { ...process.env, ...env },
        encoding: 'utf8',
      })
    // The lock file brings a Node for Linux on x64 only.
    if (existsSync(BUNDLED)) {
      expect(old({})).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^flotilla \d/) })
    }
    expect(old({ FLOTILLA_STARTED_AGAIN: '1' })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^flotilla: Node 22\.18 or newer is needed.*\n$/),
    })
  })

  test('on such a Node too, a hub that is told to end does, in order', async () => {
    if (!existsSync(BUNDLED)) return
    put('alone/hub.yaml', 'dataDirectory: data\nlisten: 127.0.0.1:0\ntls: {mode: off}\nconfigSources: []\n')
    const words = ['--no-experimental-strip-types', COMMAND, 'hub', '--config', 'hub.yaml']
    const hub = spawn(process.execPath, words, { cwd: join(folder, 'alone') })
    const ended = once(hub, 'exit')
    let log = ''
    for await (const chunk of hub.stderr) {
      if (!log.includes('the hub is up') && `${log}${chunk}`.includes('the hub is up')) hub.kill('SIGTERM')
      log += chunk
    }
    expect(log).toContain('the hub has stopped')
    expect(await ended).toEqual([0, null])
  })

  test('what the machine refuses is one line and 1, without a stack', () => {
    put('stands-here', '')
    const { status, stderr } = flotilla(['demo', '--once', '--clusters', '1', '--directory', 'stands-here/demo'])
    expect({ status, lines: stderr.trim().split('\n').length }).toEqual({ status: 1, lines: 1 })
    expect(stderr).toMatch(/^error: ENOTDIR: .*stands-here/)
  })

  test('a reader that closes the pipe early is no failure, however much was to come', () => {
    // More than a pipe holds, so that writing meets the closed end.
    const documents = Array.from(
      { length: 2_000 },
      (_, n) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c${n}}\n`,
    )
    put('long/a.yaml', documents.slice(0, 90).join('---\n'))
    for (let n = 1; n < 20; n++) put(`long/${n}.yaml`, documents.slice(n * 90, n * 90 + 90).join('---\n'))
    const result = spawnSync(
      'bash',
      ['-c', `"${process.execPath}" "${COMMAND}" validate long | head -1; echo "\${PIPESTATUS[0]}"`],
      { cwd: folder, encoding: 'utf8' },
    )
    rmSync(join(folder, 'long'), { recursive: true })
    expect(result.stdout).toMatch(/^long\/1\.yaml:2:7 UNKNOWN_KIND .*\n0\n$/)
    expect(result.stderr).not.toContain('EPIPE')
  })

  test.runIf(existsSync('/dev/full'))(
    'what cannot be written is a failure in one sentence; talk that cannot is none',
    () => {
      put('full/a.yaml', 'a: [\n')
      const run = (redirect: string) =>
        spawnSync('bash', ['-c', `"${process.execPath}" "${COMMAND}" validate full ${redirect}`], {
          cwd: folder,
          encoding: 'utf8',
        })
      const data = run('>/dev/full')
      const talk = run('2>/dev/full')
      rmSync(join(folder, 'full'), { recursive: true })
      expect(data.status).toBe(1)
      expect(data.stderr).toMatch(/error: what was asked for cannot be written: ENOSPC.*\n$/)
      expect(data.stderr).not.toMatch(/^ {4}at /m)
      expect(talk).toMatchObject({ status: 1, stdout: expect.stringContaining('YAML_SYNTAX') })
    },
  )
})

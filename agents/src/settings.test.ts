import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { maskedSettings, readSettings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'flotilla-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('readSettings', () => {
  it('takes flags before variables before the file', () => {
    const config = file('agent.yaml', 'name: of-file\nlogLevel: debug\nnamespace: of-file\nkubeconfig: /k\n')
    const environment = { FLOTILLA_NAMESPACE: 'of-variable', FLOTILLA_NAME: 'of-variable' }
    const read = readSettings({ argv: ['-c', config, '--name', 'of-flag'], environment })
    expect(read).toMatchObject({
      kind: 'settings',
      settings: {
        name: 'of-flag',
        namespace: 'of-variable',
        logLevel: 'debug',
        access: { kind: 'kubeconfig', path: '/k' },
        state: { kind: 'secrets' },
        concurrency: 4,
      },
    })
  })

  it('uses the Pod’s account inside a cluster', () => {
    const read = readSettings({ argv: [], environment: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } })
    expect(read).toMatchObject({ settings: { access: { kind: 'in-cluster' } } })
  })

  it('reads the join token from a file, and does without when the file has gone', () => {
    const environment = { FLOTILLA_KUBECONFIG: '/k' }
    const path = file('token', 'flj1.abc.def\n')
    expect(readSettings({ argv: ['--join-token-file', path], environment })).toMatchObject({
      settings: { joinToken: 'flj1.abc.def' },
    })
    const gone = readSettings({ argv: ['--join-token-file', join(folder, 'gone')], environment })
    expect(gone).toMatchObject({ kind: 'settings', settings: { joinToken: undefined } })
  })

  it('lists every mistake at once, each by the name that was written', () => {
    const config = file('wrong.yaml', 'nmae: x\nconcurrency: 1000\nlogLevel: [debug]\n')
    const environment = { FLOTILLA_LOG_LEVEL: 'loud', FLOTILLA_CONFIG: config }
    const read = readSettings({ argv: ['--hub', 'ftp://x'], environment })
    expect(read).toEqual({
      kind: 'problems',
      problems: [
        { setting: `${config}: nmae`, message: 'unknown setting; did you mean "name"?' },
        { setting: `${config}: logLevel`, message: 'is neither text nor a number' },
        { setting: `${config}: concurrency`, message: 'is no whole number from 1 to 64' },
        { setting: 'FLOTILLA_LOG_LEVEL', message: 'is none of debug, info, warn, error' },
        { setting: '--hub', message: 'is no http or https URL' },
        { setting: 'kubeconfig', message: 'is missing, and this is no Pod of a cluster' },
      ],
    })
  })

  it.each([
    ['a file that is not there', ['-c', '/nowhere/agent.yaml'], /ENOENT/],
    ['a file that is no mapping', ['-c', file('list.yaml', '- a\n')], /no mapping/],
    ['a flag that nobody knows', ['--nonsense'], /^Unknown option '--nonsense'; try --help$/],
  ])('refuses %s', (_sentence, argv, message) => {
    const read = readSettings({ argv, environment: { KUBERNETES_SERVICE_HOST: 'x' } })
    expect(read.kind === 'problems' && read.problems[0]?.message).toMatch(message)
  })

  it('serves figures nowhere unless it is told where', () => {
    const at = (...argv: readonly string[]) => readSettings({ argv: ['--kubeconfig', '/k', ...argv], environment: {} })
    expect(at()).toMatchObject({ settings: { metricsAddress: undefined } })
    expect(at('--metrics-address', '127.0.0.1:9464')).toMatchObject({
      settings: { metricsAddress: { host: '127.0.0.1', port: 9464 } },
    })
    expect(at('--metrics-address', '9464')).toMatchObject({
      problems: [{ setting: '--metrics-address', message: 'is no HOST:PORT, such as 127.0.0.1:9464' }],
    })
  })

  it('never shows the join token', () => {
    const argv = ['--kubeconfig', '/k', '--join-token', 'flj1.secret.secret', '--print-config']
    const read = readSettings({ argv, environment: {} })
    if (read.kind !== 'settings') throw new Error(JSON.stringify(read))
    expect(JSON.stringify(maskedSettings(read.settings))).not.toContain('secret.secret')
    expect(read.printOnly).toBe(true)
  })
})

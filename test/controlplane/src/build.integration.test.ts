import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { controlPlaneAvailability } from './availability.ts'
import { buildControlPlane } from './build.ts'
import { buildKey } from './cache.ts'
import { ControlPlaneUnavailable } from './errors.ts'

describe('the key of a build', () => {
  it('is the same for the same toolchain and flags, and another for others', async () => {
    const key = await buildKey('go1', ['-trimpath'])
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(await buildKey('go1', ['-trimpath'])).toBe(key)
    expect(await buildKey('go2', ['-trimpath'])).not.toBe(key)
    expect(await buildKey('go1', ['-race'])).not.toBe(key)
  })
})

describe('where Go is missing', () => {
  let folder = ''
  let said = ''

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'no-go-'))
    said = ''
    vi.stubEnv('PATH', folder)
    vi.stubEnv('FLOTILLA_CACHE', folder)
    vi.spyOn(process.stderr, 'write').mockImplementation(text => {
      said += String(text)
      return true
    })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true, force: true })
  })

  it('a build is refused with what to do', async () => {
    await expect(buildControlPlane()).rejects.toThrow(ControlPlaneUnavailable)
    await expect(buildControlPlane()).rejects.toThrow('install Go 1.26 or newer')
  })

  it('suites are told, and a loud line says what is not tested', async () => {
    vi.stubEnv('CI', '')
    expect(await controlPlaneAvailability()).toMatchObject({ kind: 'unavailable' })
    expect(said).toContain('NOT TESTED on a real Kubernetes control plane')
  })

  it('under CI=true that is a failure', async () => {
    vi.stubEnv('CI', 'true')
    await expect(controlPlaneAvailability()).rejects.toThrow(ControlPlaneUnavailable)
    expect(said).toBe('')
  })
})

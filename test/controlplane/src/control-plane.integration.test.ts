import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { type ClusterRequest, type ClusterTransport, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAuditLog } from './audit.ts'
import { controlPlaneAvailability } from './availability.ts'
import { type ControlPlane, startControlPlanes } from './control-plane.ts'
import { httpsTransport } from './https-transport.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'

async function send(transport: ClusterTransport, request: ClusterRequest): Promise<{ status: number; text: string }> {
  const response = await transport.request(request)
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return { status: response.status, text: Buffer.concat(chunks).toString('utf8') }
}

async function status(transport: ClusterTransport, path: string): Promise<number> {
  return (await send(transport, { method: 'GET', path })).status
}

function configMap(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { secret: 'in the body' } })
}

const availability = await controlPlaneAvailability()

describe.skipIf(availability.kind === 'unavailable')('two control planes on one etcd', () => {
  let first: ControlPlane
  let second: ControlPlane

  beforeAll(async () => {
    const started = await startControlPlanes(2, { components: 'apiserver', users: [{ name: 'ann', groups: ['dev'] }] })
    first = started[0]!
    second = started[1]!
    // The first build on a machine takes minutes.
  }, 900_000)
  afterAll(async () => {
    await Promise.all([first?.stop(), second?.stop()])
  })

  it('each has its own data, and says which version it is', async () => {
    const [one, two] = [first.transport(), second.transport()]
    expect((await send(one, { method: 'POST', path: configMaps, body: configMap('mine') })).status).toBe(201)
    expect(await status(one, `${configMaps}/mine`)).toBe(200)
    expect(await status(two, `${configMaps}/mine`)).toBe(404)
    const version = JSON.parse((await send(one, { method: 'GET', path: '/version' })).text) as { gitVersion: string }
    expect(version.gitVersion).toBe(first.version)
    await Promise.all([one.close(), two.close()])
  })

  it('a user is who the token says, and has no rights by itself', async () => {
    const ann = first.transport(first.user('ann').token)
    const nobody = first.transport(null)
    const stranger = first.transport('made-up')
    expect(await status(ann, configMaps)).toBe(403)
    expect(await status(nobody, configMaps)).toBe(403)
    expect(await status(stranger, configMaps)).toBe(401)
    expect((await send(ann, { method: 'GET', path: configMaps })).text).toContain('ann')
    await Promise.all([ann.close(), nobody.close(), stranger.close()])
    expect(() => first.user('bob')).toThrow('no user "bob"')
  })

  it('a user can be added later; the address stays', async () => {
    const url = first.url
    const bob = await first.addUser('bob', ['system:masters'])
    expect(first.url).toBe(url)
    const transport = first.transport(bob.token)
    expect(await status(transport, configMaps)).toBe(200)
    await transport.close()
  })

  it('the audit log has each write as soon as it is answered, without its body, and no read', async () => {
    const transport = first.transport()
    const before = (await readAuditLog(first.auditLog())).length
    await status(transport, configMaps)
    await send(transport, {
      method: 'PATCH',
      path: `${configMaps}/applied?fieldManager=flotilla`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: configMap('applied'),
    })
    await transport.close()
    // The server writes its line when it has answered.
    const since = async () => (await readAuditLog(first.auditLog())).slice(before)
    await expect.poll(since).toMatchObject([
      {
        verb: 'patch',
        user: { username: 'admin' },
        objectRef: { resource: 'configmaps', namespace: 'default', name: 'applied' },
        responseStatus: { code: 201 },
        requestURI: `${configMaps}/applied?fieldManager=flotilla`,
      },
    ])
    expect(JSON.stringify(await since())).not.toContain('in the body')
  })

  it('a paused apiserver keeps its connections and does not answer; resumed it does', async () => {
    const { url, certificateAuthority, adminToken: token } = second
    const impatient = httpsTransport({ url, certificateAuthority, token, timeoutMs: 1_000 })
    await expect.poll(() => status(impatient, '/readyz').catch(String), { timeout: 60_000 }).toBe(200)
    second.pause()
    try {
      // Each of its threads stops when the machine comes to it: an answer may still be on its way.
      const answer = () =>
        status(impatient, '/readyz').catch((error: unknown) => (error instanceof ClusterUnreachable ? 'none' : error))
      await expect.poll(answer, { timeout: 60_000 }).toBe('none')
    } finally {
      second.resume()
    }
    const patient = second.transport()
    expect(await status(patient, configMaps)).toBe(200)
    await Promise.all([impatient.close(), patient.close()])
  })

  it('a killed apiserver cuts a watch and refuses connections; restarted it has its data', async () => {
    const transport = second.transport()
    await send(transport, { method: 'POST', path: configMaps, body: configMap('kept') })
    const watch = await transport.request({ method: 'GET', path: `${configMaps}?watch=true` })
    const cut = (async () => {
      for await (const _chunk of watch.body);
    })()
    const expectation = expect(cut).rejects.toThrow(ClusterUnreachable)
    await second.kill()
    await expectation
    await expect(status(transport, configMaps)).rejects.toThrow(ClusterUnreachable)
    await second.restart()
    expect(await status(transport, `${configMaps}/kept`)).toBe(200)
    await transport.close()
  })

  it('an aborted request rejects with the reason of its signal', async () => {
    const transport = first.transport()
    const controller = new AbortController()
    const watch = await transport.request({
      method: 'GET',
      path: `${configMaps}?watch=true&resourceVersion=0`,
      signal: controller.signal,
    })
    const reason = new Error('enough')
    const reading = (async () => {
      for await (const _chunk of watch.body) controller.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
    await transport.close()
  })

  it('one can be stopped while the other runs; the last one takes the files with it', async () => {
    const folder = dirname(dirname(first.kubeconfigPath))
    await first.stop()
    await first.stop()
    const transport = second.transport()
    expect(await status(transport, '/readyz')).toBe(200)
    await transport.close()
    expect(existsSync(folder)).toBe(true)
    await second.stop()
    expect(existsSync(folder)).toBe(false)
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { type AuditLevel, auditPolicy } from './audit.ts'
import type { ControlPlaneBinaries } from './build.ts'
import { freePort } from './free-port.ts'
import { httpsTransport } from './https-transport.ts'
import type { RunDirectory } from './run-directory.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { startUntilReady, waitUntilReady } from './wait-ready.ts'

/** Someone who may present a token. */
export interface ClusterUser {
  readonly name: string
  readonly groups: readonly string[]
  readonly token: string
}

export interface ApiserverOptions {
  readonly binaries: ControlPlaneBinaries
  readonly run: RunDirectory
  readonly folder: string
  readonly etcdUrl: string
  readonly etcdPrefix: string
  readonly audit: AuditLevel
  /** Whether a controller makes the default ServiceAccounts; without them no Pod would be admitted. */
  readonly withServiceAccounts: boolean
}

export interface Apiserver {
  readonly url: string
  /** PEM: the authority that the apiserver made for itself. */
  readonly certificateAuthority: string
  readonly auditLogPath: string
  readonly signingKeyPath: string
  readonly certificateAuthorityPath: string
  process(): ServerProcess
  /** Who may come; read by the apiserver when it starts. */
  writeUsers(users: readonly ClusterUser[]): Promise<void>
  /** Starts it again, where it was, and waits until it is ready. */
  restart(): Promise<void>
}

/** @throws ControlPlaneFailed when it does not become ready. */
export async function startApiserver(options: ApiserverOptions, users: readonly ClusterUser[]): Promise<Apiserver> {
  const { folder } = options
  await mkdir(folder, { recursive: true })
  const signingKeyPath = join(folder, 'service-account.key')
  const auditLogPath = join(folder, 'audit.log')
  const tokensPath = join(folder, 'tokens.csv')
  const certificateAuthorityPath = join(folder, 'certificates', 'apiserver.crt')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(signingKeyPath, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
  await writeFile(join(folder, 'audit-policy.json'), JSON.stringify(auditPolicy(options.audit)))
  const writeUsers = async (all: readonly ClusterUser[]) =>
    writeFile(tokensPath, all.map(tokenLine).join(''), { mode: 0o600 })
  await writeUsers(users)

  const start = (port: number) =>
    startServer(options.run, folder, join(options.binaries.directory, 'kube-apiserver'), [
      `--etcd-servers=${options.etcdUrl}`,
      `--etcd-prefix=${options.etcdPrefix}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      `--secure-port=${port}`,
      `--cert-dir=${folder}/certificates`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${signingKeyPath}`,
      `--service-account-key-file=${signingKeyPath}`,
      `--token-auth-file=${tokensPath}`,
      '--authorization-mode=RBAC',
      '--allow-privileged=true',
      '--profiling=false',
      // No controller takes the taint from a new node here: Pods would stay Pending for ever.
      `--disable-admission-plugins=TaintNodesByCondition${options.withServiceAccounts ? '' : ',ServiceAccount'}`,
      ...(options.audit === 'none'
        ? []
        : [
            `--audit-policy-file=${folder}/audit-policy.json`,
            `--audit-log-path=${auditLogPath}`,
            // A write is in the log before its answer is sent, so that a test can read both.
            '--audit-log-mode=blocking-strict',
          ]),
    ])

  return startUntilReady(async () => {
    const port = await freePort()
    const url = `https://127.0.0.1:${port}`
    let server = start(port)
    let probe: ClusterTransport | undefined
    const isReady = async () => {
      // The apiserver makes its certificates as it starts; until then the file is not there and this throws.
      probe ??= httpsTransport({ url, certificateAuthority: await readFile(certificateAuthorityPath, 'utf8') })
      try {
        const response = await probe.request({ method: 'GET', path: '/readyz' })
        for await (const _chunk of response.body);
        return response.status === 200
      } catch (error) {
        // The file may have been read while it was being written: the next look reads it again.
        await probe.close()
        probe = undefined
        throw error
      }
    }
    const value: Apiserver = {
      url,
      get certificateAuthority() {
        return certificateAuthority
      },
      auditLogPath,
      signingKeyPath,
      certificateAuthorityPath,
      process: () => server,
      writeUsers,
      async restart() {
        await server.kill()
        server = start(port)
        const failure = await waitUntilReady(server, isReady)
        if (failure !== undefined) throw failure
      },
    }
    let certificateAuthority = ''
    const isFirstReady = async () => {
      if (!(await isReady())) return false
      certificateAuthority = await readFile(certificateAuthorityPath, 'utf8')
      return true
    }
    return { server, value, isReady: isFirstReady }
  })
}

/** `token,user,uid,"group,group"` */
function tokenLine(user: ClusterUser): string {
  return `${user.token},${user.name},${user.name},"${user.groups.join(',')}"\n`
}

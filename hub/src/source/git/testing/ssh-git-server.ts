import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2'
import { cleanEnvironment } from './fixture-repository.ts'

const { Server, utils } = ssh2

export interface SshKey {
  /** OpenSSH text. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA…`. */
  readonly publicKey: string
}

export function makeSshKey(): SshKey {
  const { private: privateKey, public: publicKey } = utils.generateKeyPairSync('ed25519')
  return { privateKey, publicKey: publicKey.trim() }
}

/** A real SSH server that lets one key in and runs `git-upload-pack`, nothing else. */
export class SshGitServer {
  readonly #server: InstanceType<typeof Server>
  readonly #hostKey: SshKey
  readonly #connections: Set<Connection>
  readonly port: number
  /** The commands that clients asked for. */
  readonly commands: string[]

  private constructor(
    server: InstanceType<typeof Server>,
    hostKey: SshKey,
    connections: Set<Connection>,
    commands: string[],
  ) {
    this.#server = server
    this.#hostKey = hostKey
    this.#connections = connections
    this.commands = commands
    this.port = (server.address() as AddressInfo).port
  }

  static async start(root: string, authorised: SshKey): Promise<SshGitServer> {
    const hostKey = makeSshKey()
    const connections = new Set<Connection>()
    const commands: string[] = []
    const server = new Server({ hostKeys: [hostKey.privateKey] }, client => {
      connections.add(client)
      client.on('error', () => connections.delete(client))
      client.on('close', () => connections.delete(client))
      client.on('authentication', context => checkKey(context, authorised))
      client.on('session', accept => {
        const session = accept()
        session.on('env', acceptEnvironment => acceptEnvironment?.())
        session.on('exec', (acceptExec, _reject, { command }) => {
          commands.push(command)
          runCommand(root, command, acceptExec())
        })
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new SshGitServer(server, hostKey, connections, commands)
  }

  url(repository: string): string {
    return `ssh://git@127.0.0.1:${this.port}/${repository}`
  }

  get knownHosts(): string {
    return `[127.0.0.1]:${this.port} ${this.#hostKey.publicKey}\n`
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.end()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }
}

function checkKey(context: AuthContext, authorised: SshKey): void {
  const known = utils.parseKey(authorised.publicKey)
  const accepted =
    context.method === 'publickey' &&
    !(known instanceof Error) &&
    context.key.data.equals(known.getPublicSSH()) &&
    (!context.signature || known.verify(context.blob!, context.signature, context.hashAlgo))
  if (accepted) context.accept()
  else context.reject(['publickey'])
}

function runCommand(root: string, command: string, channel: ServerChannel): void {
  const path = /^git-upload-pack '\/([\w./-]+)'$/.exec(command)?.[1]
  if (!path || path.includes('..')) {
    channel.stderr.write('only git-upload-pack here\n')
    channel.exit(1)
    channel.end()
    return
  }
  const child = spawn('git', ['upload-pack', join(root, path)], { env: cleanEnvironment() })
  child.stdin.on('error', () => channel.end())
  channel.pipe(child.stdin)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  child.once('close', code => {
    channel.exit(code ?? 1)
    channel.end()
  })
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Finding, failed, ok, reasonOf, warning } from './finding.ts'

const run = promisify(execFile)
const OLDEST_NODE = 22
const ASK_WITHIN_MS = 20_000

export interface WantedRepository {
  readonly name: string
  readonly repository: string
  readonly revision: string
  /** Whether the hub has credentials for it, which are not used here. */
  readonly hasCredentials: boolean
}

/** The programs that the hub runs on and with, and the repositories that it is told to read. */
export async function checkTools(
  gitBinary: string | false,
  repositories: readonly WantedRepository[],
): Promise<readonly Finding[]> {
  const node = process.versions.node
  const isOld = Number(node.split('.', 1)[0]) < OLDEST_NODE
  const findings = [
    isOld
      ? failed('tool', 'node', `version ${node}`, `use Node ${OLDEST_NODE} or newer`)
      : ok('tool', 'node', `version ${node}`),
  ]
  if (gitBinary === false) {
    findings.push(ok('tool', 'git', 'done without: Git in JavaScript'))
    return findings
  }
  try {
    const { stdout } = await run(gitBinary, ['--version'], { timeout: ASK_WITHIN_MS })
    findings.push(ok('tool', gitBinary, stdout.trim()))
  } catch (error) {
    const hint = 'install git, or set git.binary to "none": the hub then does without, more slowly'
    findings.push(failed('tool', gitBinary, reasonOf(error), hint))
    return findings
  }
  for (const each of repositories) findings.push(await checkRepository(gitBinary, each))
  return findings
}

async function checkRepository(
  gitBinary: string,
  { name, repository, revision, hasCredentials }: WantedRepository,
): Promise<Finding> {
  const subject = `${name} (${shown(repository)})`
  try {
    const words = ['ls-remote', '--exit-code', '--', repository, revision]
    const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS: '' }
    await run(gitBinary, words, { timeout: ASK_WITHIN_MS, env, maxBuffer: 8 * 1024 * 1024 })
    return ok('repository', subject, `it has "${revision}"`)
  } catch (error) {
    if (hasCredentials) {
      const hint = 'only a running hub can tell: flotilla doctor --hub URL'
      return warning('repository', subject, 'it cannot be read without the credentials that the hub has', hint)
    }
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 2)
      return failed('repository', subject, `it has no revision "${revision}"`, 'mend the config source in hub.yaml')
    const hint = 'network, DNS, a wrong URL, or credentials that are missing in hub.yaml'
    return failed('repository', subject, firstLine(reasonOf(error)), hint)
  }
}

/** Without a password that somebody wrote into it. */
function shown(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//')
}

function firstLine(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '')
  return shown(lines[1] ?? lines[0] ?? '').slice(0, 300)
}

import type { JsonObject } from '@flotilla/core/json/json'
import type { SigningKeys } from '@flotilla/core/project/source-integrity'
import { readKeyId } from '@flotilla/core/signature/key-id'
import { readSshKey } from '@flotilla/core/signature/ssh-signature'
import type { Path, Problem } from '../problem.ts'
import { rbacConfigMapDocument } from '../schema/access-policy.ts'
import { signingKeysDocument } from '../schema/signing-keys.ts'
import { type KindReader, type KindReading, listOf, member, nameOf, textOf } from './kind.ts'

/** A key with every signature of a large company on it has some ten thousand bytes. */
const MOST_KEY_TEXT = 256 * 1024

function readSigningKeys(document: JsonObject): KindReading {
  const spec = member(document, 'spec')
  const openpgp = listOf(spec['openpgp']).filter(one => typeof one === 'string')
  const ssh = listOf(spec['ssh']).filter(one => typeof one === 'string')
  const problems = [
    ...openpgp.flatMap((text, index) => openPgpProblems(text, ['spec', 'openpgp', index])),
    ...ssh.flatMap((line, index) => sshProblems(line, ['spec', 'ssh', index])),
  ]
  return { name: nameOf(document), spec: { openpgp, ssh } satisfies SigningKeys, problems }
}

/** Argo CD's `argocd-gpg-keys-cm`: an id beside each key. Which key it is, its own bytes say and not that id. */
function readArgoKeys(document: JsonObject): KindReading {
  const data = member(document, 'data')
  const problems: Problem[] = []
  const openpgp: string[] = []
  for (const id of Object.keys(data).sort()) {
    const text = textOf(data[id]) ?? ''
    const key = readKeyId(id)
    if (key.kind !== 'openpgp') {
      const message = `"${id}" ${key.kind === 'mistake' ? key.message : 'is no id of an OpenPGP key'}`
      problems.push({ code: 'INVALID_VALUE', severity: 'error', path: ['data', id], at: 'key', message })
    }
    problems.push(...openPgpProblems(text, ['data', id]))
    openpgp.push(text)
  }
  return { name: nameOf(document), spec: { openpgp, ssh: [] } satisfies SigningKeys, problems }
}

function openPgpProblems(text: string, path: Path): Problem[] {
  const wrong = (message: string, hint?: string): Problem[] => [
    { code: 'INVALID_VALUE', severity: 'error', path, message, ...(hint === undefined ? {} : { hint }) },
  ]
  if (text.includes('PRIVATE KEY')) {
    return wrong(
      'is a private key',
      'withdraw it, for everybody who reads this repository has it; gpg --armor --export',
    )
  }
  if (!text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
    return wrong('is no OpenPGP public key in armour', 'write what gpg --armor --export prints')
  }
  return text.length > MOST_KEY_TEXT ? wrong(`has more than ${MOST_KEY_TEXT} characters`) : []
}

function sshProblems(line: string, path: Path): Problem[] {
  if (line.length <= MOST_KEY_TEXT && readSshKey(line) !== undefined) return []
  const message = 'is no SSH public key that signatures can be checked with'
  const hint = 'write a line as of ~/.ssh/id_ed25519.pub: ed25519, ECDSA, RSA of 2,048 bits or more, or a security key'
  return [{ code: 'INVALID_VALUE', severity: 'error', path, message, hint }]
}

export const signingKeysReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'SigningKeys',
  kind: 'SigningKeys',
  group: 'flotilla.dev',
  schema: signingKeysDocument,
  read: readSigningKeys,
}

export const argoSigningKeysReader: KindReader = {
  apiVersion: 'v1',
  writtenKind: 'ConfigMap',
  kind: 'SigningKeys',
  group: 'argoproj.io',
  schema: rbacConfigMapDocument,
  read: readArgoKeys,
}

import { createHash, createHmac } from 'node:crypto'
import type { Json } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { type HostCall, type HostContent, type HostReply, pageOf, type Routes } from './host-server.ts'

export interface AwsIdentity {
  readonly id: string
  readonly secret: string
  readonly token?: string
}

/** The keys that a role gives to who may take it on. */
export const ROLE_IDENTITY: AwsIdentity = { id: 'ASIAROLE', secret: 'role-secret', token: 'role-session' }
/** What a Pod's own identity shows. */
export const WEB_TOKEN = 'pod-token'
export const ACCOUNT = '123456789012'
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/reader`

/** CodeCommit (JSON 1.1) and STS as they are documented, two entries a page, to who signs as one of these. */
export function codeCommitRoutes(
  content: () => HostContent,
  identities: { readonly own: AwsIdentity; readonly region: string; readonly tags?: { readonly [name: string]: Json } },
): Routes {
  return call => {
    const { own, region, tags = {} } = identities
    const target = String(call.headers['x-amz-target'] ?? '')
    if (target === '') {
      const action = call.query.get('Action') ?? ''
      const token = call.query.get('WebIdentityToken')
      if (action === 'AssumeRoleWithWebIdentity') return token === WEB_TOKEN ? session(action) : refused
      if (!signedBy(own, 'sts', region, call) && !signedBy(ROLE_IDENTITY, 'sts', region, call)) return refused
      return call.query.get('RoleArn') === ROLE ? session('AssumeRole') : refused
    }
    if (!signedBy(own, 'codecommit', region, call) && !signedBy(ROLE_IDENTITY, 'codecommit', region, call))
      return refused
    if (call.headers['content-type'] !== 'application/x-amz-json-1.1') return exception('UnknownOperationException')
    return answer(target.replace('CodeCommit_20150413.', ''), call.body, content().repositories, region, tags)
  }
}

function answer(
  operation: string,
  body: Json,
  repositories: HostContent['repositories'],
  region: string,
  tags: { readonly [name: string]: Json },
): HostReply {
  const named = repositories.find(({ name }) => name === textAt(body, 'repositoryName'))
  switch (operation) {
    case 'ListRepositories':
      return page(
        body,
        'repositories',
        repositories.map(({ name }) => ({ repositoryName: name })),
      )
    case 'BatchGetRepositories': {
      const names = listAt(body, 'repositoryNames')
      if (names.length > 25) return exception('MaximumRepositoryNamesExceededException')
      const found = repositories.filter(({ name }) => names.includes(name))
      return { status: 200, body: { repositories: found.map(each => shown(each, region)), repositoriesNotFound: [] } }
    }
    case 'ListTagsForResource': {
      const name = textAt(body, 'resourceArn').split(':').at(-1) ?? ''
      return { status: 200, body: { tags: tags[name] ?? {} } }
    }
    case 'ListBranches':
      if (named === undefined) return exception('RepositoryDoesNotExistException')
      return page(
        body,
        'branches',
        named.branches.map(({ name }) => name),
      )
    case 'GetFolder':
      return folder(named, textAt(body, 'commitSpecifier'), textAt(body, 'folderPath'))
    default:
      return exception('UnknownOperationException')
  }
}

function folder(repository: HostContent['repositories'][number] | undefined, at: string, path: string): HostReply {
  const branch = repository?.branches.find(({ name }) => name === at)
  if (branch === undefined) return exception('CommitDoesNotExistException')
  const prefix = path === '/' ? '' : `${path}/`
  const inside = branch.files.map(file => `/${file}`).filter(file => file.startsWith(prefix))
  if (inside.length === 0) return exception('FolderDoesNotExistException')
  const names = inside.map(file => file.slice(prefix.length).replace(/^\//, ''))
  const files = names.filter(name => !name.includes('/'))
  const folders = new Set(names.filter(name => name.includes('/')).map(name => name.split('/')[0]!))
  return {
    status: 200,
    body: {
      folderPath: path,
      files: files.map(relativePath => ({ relativePath })),
      subFolders: [...folders].map(relativePath => ({ relativePath })),
    },
  }
}

function page(body: Json, list: string, items: readonly Json[]): HostReply {
  const number = Number(textAt(body, 'nextToken') || 1)
  const more = number * 2 < items.length
  return { status: 200, body: { [list]: pageOf(items, number, 2), ...(more && { nextToken: String(number + 1) }) } }
}

function shown({ id, name, defaultBranch }: HostContent['repositories'][number], region: string): Json {
  return {
    accountId: ACCOUNT,
    repositoryId: `id-${id}`,
    repositoryName: name,
    Arn: `arn:aws:codecommit:${region}:${ACCOUNT}:${name}`,
    cloneUrlHttp: `https://git-codecommit.${region}.amazonaws.com/v1/repos/${name}`,
    cloneUrlSsh: `ssh://git-codecommit.${region}.amazonaws.com/v1/repos/${name}`,
    ...(defaultBranch !== '' && { defaultBranch }),
  }
}

function exception(type: string): HostReply {
  return { status: 400, body: { __type: type, message: `${type} was thrown` } }
}

const refused: HostReply = {
  status: 403,
  body: { __type: 'InvalidSignatureException', message: 'The request signature we calculated does not match' },
}

function session(action: string): HostReply {
  const Credentials = {
    AccessKeyId: ROLE_IDENTITY.id,
    SecretAccessKey: ROLE_IDENTITY.secret,
    SessionToken: ROLE_IDENTITY.token!,
    Expiration: 4_102_444_800,
  }
  return { status: 200, body: { [`${action}Response`]: { [`${action}Result`]: { Credentials } } } }
}

/** Signature Version 4, worked out from the request as it came (AWS General Reference). */
function signedBy({ id, secret, token }: AwsIdentity, service: string, region: string, call: HostCall): boolean {
  const { headers, method, query } = call
  const given = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  )
  const date = String(headers['x-amz-date'] ?? '')
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  if (given?.[1] !== `${id}/${scope}` || headers['x-amz-security-token'] !== token) return false
  const signed = given[2]!.split(';')
  if (!['host', 'x-amz-date'].every(name => signed.includes(name))) return false
  const encoded = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  const canonical = [
    method,
    new URL(call.target, call.origin).pathname,
    [...query]
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&'),
    ...signed.map(name => `${name}:${String(headers[name])}`),
    '',
    signed.join(';'),
    sha256(call.body === null ? '' : stringifyJson(call.body)),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  const key = [date.slice(0, 8), region, service, 'aws4_request'].reduce<string | Buffer>(
    (before, part) => createHmac('sha256', before).update(part).digest(),
    `AWS4${secret}`,
  )
  return createHmac('sha256', key).update(text).digest('hex') === given[3]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

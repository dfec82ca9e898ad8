import { getKey, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import type { HostedRepository } from '@flotilla/generators/inputs'
import { listIn } from './api-path.ts'
import type { Environment } from './aws-credentials.ts'
import { awsConnection, awsSession } from './aws-session.ts'
import { flagOf, textOf } from './config-fields.ts'
import { HostError } from './host-error.ts'
import type { ApiCall, HostApi, HostProvider } from './provider.ts'

/** BatchGetRepositories takes no more names. */
const BATCH = 25

/** AWS CodeCommit, with the hub's own credentials or a role that they may take on. It has no pull requests here. */
export function awsCodeCommitWith(environment: Environment): HostProvider {
  return {
    async connect(config, context) {
      const region = regionOf(config, environment)
      const role = textOf(config, 'role')
      const credentials = await awsSession({ role, region, environment }, context)
      const identity = JSON.stringify(['aws', region, role])
      return awsConnection({ service: 'codecommit', region, environment, credentials, identity }, context)
    },

    async repositories({ config, cloneProtocol }, api) {
      const first = command('ListRepositories', {})
      const listed = await api.list(first, body => listIn(body, 'repositories'), nextToken)
      const names = listed.map(each => textAt(each, 'repositoryName'))
      const wanted = tagFiltersOf(config)
      const repositories: HostedRepository[] = []
      for (let from = 0; from < names.length; from += BATCH) {
        const batch = { repositoryNames: names.slice(from, from + BATCH) }
        const { body } = await api.ask(command('BatchGetRepositories', batch))
        const described = listIn(body, 'repositories')
        if (described === undefined) {
          throw new HostError('HOST_ANSWER_INVALID', 'AWS describes no repositories', { retry: true })
        }
        for (const each of described) {
          // An empty repository has no default branch.
          if (textAt(each, 'defaultBranch') === '') continue
          if (wanted.size > 0 && !(await hasTags(textAt(each, 'Arn'), wanted, api))) continue
          repositories.push(repositoryOf(each, cloneProtocol))
        }
      }
      return repositories
    },

    async branches({ config, repository }, api) {
      if (!flagOf(config, 'allBranches')) return [repository]
      const first = command('ListBranches', { repositoryName: repository.repository })
      const found = await api.list(first, body => listIn(body, 'branches'), nextToken)
      return found.map(branch => ({ ...repository, branch: String(branch) }))
    },

    async pathExists({ repository, path }, api) {
      // From the root down: asking for a folder that is not there is an error like any other.
      const segments = path.split('/').filter(segment => segment !== '')
      let folder = '/'
      for (const [index, segment] of segments.entries()) {
        const facts = { repositoryName: repository.repository, commitSpecifier: repository.branch, folderPath: folder }
        const { body } = await api.ask(command('GetFolder', facts))
        const named = (list: string): boolean =>
          listAt(body, list).some(each => textAt(each, 'relativePath') === segment)
        const isFolder = named('subFolders')
        if (index === segments.length - 1) return isFolder || ['files', 'symbolicLinks', 'subModules'].some(named)
        if (!isFolder) return false
        folder = `${folder === '/' ? '' : folder}/${segment}`
      }
      return true
    },
  }
}

function command(operation: string, body: JsonObject): ApiCall {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `CodeCommit_20150413.${operation}` }
  return { path: '', headers, body }
}

function nextToken({ body }: { readonly body: Json }, call: ApiCall): ApiCall | undefined {
  const token = textAt(body, 'nextToken')
  return token === '' ? undefined : { ...call, body: { ...(call.body as JsonObject), nextToken: token } }
}

/** Filters with one key are alternatives, those with different keys must all hold; without a value the key suffices. */
function tagFiltersOf(config: JsonObject): ReadonlyMap<string, ReadonlySet<string>> {
  const filters = new Map<string, Set<string>>()
  for (const filter of listAt(config, 'tagFilters')) {
    const key = textAt(filter, 'key')
    if (key === '') throw invalid('a tag filter needs a key')
    const values = filters.get(key) ?? new Set()
    const value = textAt(filter, 'value')
    if (value !== '') values.add(value)
    filters.set(key, values)
  }
  return filters
}

async function hasTags(arn: string, wanted: ReadonlyMap<string, ReadonlySet<string>>, api: HostApi): Promise<boolean> {
  const tags = new Map<string, string>()
  const collect = (body: Json): readonly Json[] => {
    const page = isJsonObject(body) ? body['tags'] : undefined
    if (isJsonObject(page)) for (const key of Object.keys(page)) tags.set(key, String(getKey(page, key)))
    return []
  }
  await api.list(command('ListTagsForResource', { resourceArn: arn }), collect, nextToken)
  return [...wanted].every(([key, values]) => {
    const value = tags.get(key)
    return value !== undefined && (values.size === 0 || values.has(value))
  })
}

function repositoryOf(found: Json, cloneProtocol: string): HostedRepository {
  const https = textAt(found, 'cloneUrlHttp')
  return {
    organization: textAt(found, 'accountId'),
    repository: textAt(found, 'repositoryName'),
    url: cloneUrlOf(cloneProtocol, textAt(found, 'cloneUrlSsh'), https),
    branch: textAt(found, 'defaultBranch'),
    sha: '',
    labels: [],
    repositoryId: textAt(found, 'repositoryId'),
  }
}

function cloneUrlOf(cloneProtocol: string, ssh: string, https: string): string {
  switch (cloneProtocol) {
    case '':
    case 'ssh':
      return ssh
    case 'https':
      return https
    case 'https-fips':
      return https.replace('//git-codecommit.', '//git-codecommit-fips.')
    default:
      throw invalid(`unknown clone protocol for CodeCommit ${cloneProtocol}`)
  }
}

/** Becomes part of a host's name, so it may only be what AWS calls a region. */
function regionOf(config: JsonObject, environment: Environment): string {
  const region = textOf(config, 'region') || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || ''
  if (!/^[a-z]{2,4}(-[a-z]{1,12}){1,3}-\d{1,2}$/.test(region)) {
    throw invalid('region must be an AWS region like eu-central-1; without it AWS_REGION is taken')
  }
  return region
}

function invalid(message: string): HostError {
  return new HostError('HOST_CONFIG_INVALID', message, { retry: false })
}

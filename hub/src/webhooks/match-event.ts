import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { PullRequestProvider, ScmProvider } from '@flotilla/generators/inputs'
import type { EventRepository, PushEvent, WebhookHost } from './event.ts'
import { addressOf } from './repository-address.ts'

/** A push to the repository at this address, of which nothing else is known; undefined for what no host has. */
export function pushTo(url: string): PushEvent | undefined {
  const address = addressOf(url)
  if (address === undefined) return undefined
  const repository = { urls: [url], hostName: address.host, namespace: '', name: '' }
  return { kind: 'push', host: 'generic', repository, ref: '' }
}

/** Addresses of a repository, read once however many others they are compared with. */
const addresses = new WeakMap<EventRepository, ReadonlySet<string>>()

/** Whether an event is about the repository at that address, however either of them writes it. */
export function isAbout(repository: EventRepository, url: string): boolean {
  return isAboutKey(repository, addressKey(url))
}

/** As {@link isAbout}, for an address that is compared with many: see {@link addressKey}. */
export function isAboutKey(repository: EventRepository, key: string | undefined): boolean {
  let known = addresses.get(repository)
  if (known === undefined) {
    known = new Set(repository.urls.flatMap(each => addressKey(each) ?? []))
    addresses.set(repository, known)
  }
  return key !== undefined && known.has(key)
}

/** Equal for two addresses of one repository; undefined for what is no address of a host. */
export function addressKey(url: string): string | undefined {
  const address = addressOf(url)
  return address && `${address.host} ${address.path}`
}

/** `refs/heads/env/dev` → `env/dev`; what is no whole ref stays. */
export function shortRef(ref: string): string {
  const parts = ref.split('/')
  return parts.length >= 3 && parts[0] === 'refs' ? parts.slice(2).join('/') : ref
}

/**
 * Whether a push moved what a generator reads (applicationsets.md 16): `HEAD` and none at all are the default branch;
 * anything else is a branch or tag by its name, with or without `refs/heads/`.
 *
 * @param revision As the generator writes it.
 * @param pushed Short, as {@link shortRef} gives it.
 */
export function revisionHasChanged(revision: string, pushed: string, touchedHead: boolean): boolean {
  const wanted = shortRef(revision)
  if (wanted === 'HEAD' || wanted === '') return touchedHead
  return wanted === pushed || revision === pushed
}

export function touchesHead({ ref, repository }: PushEvent): boolean {
  return repository.defaultBranch !== undefined && ref === `refs/heads/${repository.defaultBranch}`
}

type AnyProvider = PullRequestProvider | ScmProvider

/** Which providers of generators ask the host that an event came from. */
const PROVIDERS: { readonly [host in WebhookHost]: readonly AnyProvider[] } = {
  github: ['github'],
  gitlab: ['gitlab'],
  gitea: ['gitea'],
  bitbucket: ['bitbucket', 'bitbucketServer'],
  azuredevops: ['azuredevops', 'azureDevOps'],
}

export function asksHost(provider: AnyProvider, host: WebhookHost | 'generic'): boolean {
  return host === 'generic' || PROVIDERS[host].includes(provider)
}

/** The host that a provider asks when its configuration names none. */
const PUBLIC_HOSTS: { readonly [provider: string]: string } = {
  github: 'github.com',
  gitlab: 'gitlab.com',
  bitbucket: 'bitbucket.org',
  azuredevops: 'dev.azure.com',
  azureDevOps: 'dev.azure.com',
}

/** Whether a configuration asks the server where the event's repository is; true where the event does not say. */
export function asksSameServer(provider: string, config: JsonObject, { hostName }: EventRepository): boolean {
  if (hostName === '') return true
  const api = textAt(config, 'api')
  const asked = api === '' ? PUBLIC_HOSTS[provider] : URL.canParse(api) ? new URL(api).hostname : undefined
  return asked !== undefined && asked.replace(/^api\./, '') === hostName.replace(/^\[|\]$/g, '').replace(/^api\./, '')
}

/** Which repository a pull request generator's configuration means, as far as an event can tell. */
export function asksForPullRequests(
  provider: PullRequestProvider,
  config: JsonObject,
  { namespace, name, id }: EventRepository,
  rules: 'argo' | 'own',
): boolean {
  const field = (key: string): string => textAt(config, key)
  switch (provider) {
    case 'github':
    case 'gitea':
    case 'bitbucket':
      return same(field('owner'), namespace) && same(field('repo'), name)
    case 'bitbucketServer':
      return same(field('project'), namespace) && same(field('repo'), name)
    case 'gitlab':
      // Argo CD compares the number alone, so that a path never matches.
      if (id !== undefined && field('project') === id) return true
      return rules === 'own' && same(field('project'), `${namespace}/${name}`)
    case 'azuredevops':
      if (rules === 'argo') return field('project') === namespace && field('repo') === name
      return same(field('project'), namespace) && same(field('repo'), name)
  }
}

/** Whether a listing of repositories is of the event's namespace, or of one around it. */
export function listsNamespace(provider: ScmProvider, config: JsonObject, { namespace }: EventRepository): boolean {
  switch (provider) {
    case 'github':
      return same(textAt(config, 'organization'), namespace)
    case 'gitlab': {
      const group = textAt(config, 'group')
      // A group may be given by its number, which no event names; then every event may be its own.
      if (/^\d+$/.test(group)) return true
      return same(group, namespace) || namespace.toLowerCase().startsWith(`${group.toLowerCase()}/`)
    }
    case 'gitea':
    case 'bitbucket':
      return same(textAt(config, 'owner'), namespace)
    case 'bitbucketServer':
      return same(textAt(config, 'project'), namespace)
    case 'azureDevOps':
      return same(textAt(config, 'teamProject'), namespace)
    case 'awsCodeCommit':
      return false
  }
}

/** The first provider that a body gives, in the order in which they win. */
export function providerOf<Provider extends string>(
  body: JsonObject,
  providers: readonly Provider[],
): { readonly provider: Provider; readonly config: JsonObject } | undefined {
  for (const provider of providers) {
    const config: Json | undefined = Object.hasOwn(body, provider) ? body[provider] : undefined
    if (isJsonObject(config)) return { provider, config }
  }
  return undefined
}

function same(a: string, b: string): boolean {
  return a !== '' && a.toLowerCase() === b.toLowerCase()
}

import type { Json } from '../../json/json.ts'
import { listAt, objectAt, textAt, valueAt } from '../../json/read-json.ts'
import type { KubernetesObject } from '../../model/kubernetes-object.ts'
import type { Health } from '../../model/status.ts'
import { plainText, speaksOfOther } from '../data-rule.ts'
import { type HealthRule, health } from '../health-rule.ts'
import { coded, type ShippedRule } from './parts.ts'

/** How one of the Promoter's kinds speaks. */
interface Words {
  /** Before there is a status. */
  readonly initial: string
  readonly deleting: string
  /** What the sentence about an unobserved spec names. */
  readonly spec: string
  readonly missing: string
  /** `<failed>: message` for a reconciliation error, `<notReady> (reason): message` for another reason. */
  readonly failed: string
  readonly notReady: string
  /** `<unknown> (reason): message`; without it an Unknown readiness is looked over. */
  readonly unknown?: string
}

const DELETION_HELP: { readonly [kind: string]: readonly (readonly [finalizer: string, help: string])[] | undefined } =
  {
    ChangeTransferPolicy: [
      [
        'changetransferpolicy.promoter.argoproj.io/finalizer',
        "Waiting to clear related PullRequest finalizers and finish cleanup before this policy is removed. Risk if removed manually: The 'changetransferpolicy.promoter.argoproj.io/pullrequest-finalizer' finalizer may not be cleaned up from PullRequests owned by this ChangeTransferPolicy.",
      ],
    ],
    GitRepository: [
      [
        'gitrepository.promoter.argoproj.io/finalizer',
        'Waiting until no non-deleting PullRequests still reference this repository. Risk if removed manually: repository metadata may be removed while promotions still depend on it.',
      ],
    ],
  }

/** What all of them share: deletion, the generation that Ready is about, a failure; undefined when Ready is fine. */
function notReady(object: KubernetesObject, words: Words): Health | undefined {
  if (object.metadata.deletionTimestamp !== undefined) return health('Progressing', deletionText(object, words))
  if (valueAt(object, 'status') === undefined || valueAt(object, 'status') === null) {
    return health('Progressing', words.initial)
  }
  const ready = listAt(object, 'status', 'conditions').find(one => textAt(one, 'type') === 'Ready')
  if (ready === undefined) return health('Progressing', words.missing)
  if (speaksOfOther(ready, object)) {
    return health('Progressing', `Waiting for ${words.spec} spec update to be observed`)
  }
  const reason = plainText(valueAt(ready, 'reason')) || 'Unknown'
  const message = valueAt(ready, 'message')
  if (textAt(ready, 'status') === 'False') {
    const said = plainText(message ?? 'Unknown error')
    return health(
      'Degraded',
      reason === 'ReconciliationError' ? `${words.failed}: ${said}` : `${words.notReady} (${reason}): ${said}`,
    )
  }
  if (textAt(ready, 'status') === 'Unknown' && words.unknown !== undefined) {
    return health('Progressing', `${words.unknown} (${reason}): ${plainText(message ?? 'Unknown')}`)
  }
  return undefined
}

function deletionText(object: KubernetesObject, words: Words): string {
  const finalizers = Array.isArray(object.metadata.finalizers) ? object.metadata.finalizers : []
  const help = (DELETION_HELP[object.kind] ?? []).find(([finalizer]) => finalizers.includes(finalizer))
  return help ? `${words.deleting}. ${help[0]}: ${help[1]}` : words.deleting
}

/** A kind of lower-case words (`commit status`), as its sentences have it. */
function sentences(name: string, rest: Partial<Words> = {}): Words {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  return {
    initial: `Initializing ${name}`,
    deleting: `${capital} is being deleted`,
    spec: name,
    missing: `${capital} is not ready yet`,
    failed: `${capital} reconciliation failed`,
    notReady: `${capital} reconciliation failed`,
    ...rest,
  }
}

/** The newer kinds, which name themselves by their kind and call what they do by other words. */
function kindWords(kind: string, initial: string, failed: string, pending: string, unknown: string): Words {
  return {
    initial: `Initializing ${initial}`,
    deleting: `${kind} is being deleted`,
    spec: kind,
    missing: `${kind} Ready condition is missing`,
    failed,
    notReady: `${pending} not ready`,
    unknown: `${pending} ${unknown} unknown`,
  }
}

function then(words: Words, whenReady: (object: KubernetesObject) => Health): HealthRule {
  return object => notReady(object, words) ?? whenReady(object)
}

/** Gates that look at each environment: failed before pending before passed. */
function gate(words: Words, name: string, failing: string, reconciled: string, passed: string): HealthRule {
  return then(words, object => {
    const environments = listAt(object, 'status', 'environments')
    if (environments.length === 0) return health('Healthy', reconciled)
    const branches = (wanted: (phase: string) => boolean) =>
      environments.filter(one => wanted(textAt(one, 'phase'))).map(one => textAt(one, 'branch') || '?')
    const failed = branches(phase => phase === 'failure')
    if (failed.length > 0) return health('Degraded', `${failing} failed for branch(es): ${failed.join(', ')}`)
    const pending = branches(phase => phase !== 'success')
    if (pending.length > 0) return health('Progressing', `${name} pending for branch(es): ${pending.join(', ')}`)
    return health('Healthy', `${passed} for ${environments.length} environment(s)`)
  })
}

/** The commit before hydration that an environment is on (`active`) or is to go to (`proposed`). */
function dryCommit(environment: Json, side: 'active' | 'proposed'): string {
  return textAt(environment, side, 'dry', 'sha')
}

function short(sha: string): string {
  return sha.slice(0, 7)
}

interface Tally {
  readonly pending: readonly string[]
  readonly failed: readonly string[]
  readonly text: string
}

function tally(environment: Json, side: 'active' | 'proposed'): Tally {
  const statuses = listAt(environment, side, 'commitStatuses')
  const keys = (phase: string) => statuses.filter(one => textAt(one, 'phase') === phase).map(one => textAt(one, 'key'))
  const pending = keys('pending')
  const failed = keys('failure')
  const text = [
    `${pending.length} pending, ${keys('success').length} successful, ${failed.length} failed. `,
    pending.length > 0 ? `Pending commit statuses: ${pending.join(', ')}. ` : '',
    failed.length > 0 ? `Failed commit statuses: ${failed.join(', ')}. ` : '',
  ].join('')
  return { pending, failed, text }
}

const changeTransfer = then(sentences('change transfer policy'), object => {
  const status = objectAt(object, 'status')
  const [active, proposed] = [dryCommit(status, 'active'), dryCommit(status, 'proposed')]
  if (active === '') return health('Progressing', 'The active commit DRY SHA is missing or empty.')
  if (proposed === '') return health('Progressing', 'The proposed commit DRY SHA is missing or empty.')
  if (active !== proposed) {
    const { text } = tally(status, 'proposed')
    return health('Progressing', `Promotion in progress from '${short(active)}' to '${short(proposed)}': ${text}`)
  }
  const { pending, failed, text } = tally(status, 'active')
  return pending.length + failed.length > 0
    ? health('Healthy', `Environment is up-to-date, but there are non-successful active commit statuses: ${text}`)
    : health('Healthy', `Environment is up-to-date on commit ${short(active)}.`)
})

const promotionStrategy = then(sentences('promotion strategy'), object => {
  const environments = listAt(object, 'status', 'environments')
  const [first] = environments
  if (first === undefined) return health('Degraded', 'Promotion strategy has no environments configured')
  for (const environment of environments) {
    for (const side of ['active', 'proposed'] as const) {
      if (dryCommit(environment, side) !== '') continue
      const branch = textAt(environment, 'branch')
      return health('Progressing', `The ${side} commit DRY SHA is missing or empty in environment '${branch}'.`)
    }
  }
  const proposed = dryCommit(first, 'proposed')
  if (environments.some(one => dryCommit(one, 'proposed') !== proposed)) {
    return health(
      'Progressing',
      'Not all environments have the same proposed commit SHA. This likely means the hydrator has not run for all environments yet.',
    )
  }
  const moving = environments.find(one => dryCommit(one, 'active') !== proposed)
  if (moving !== undefined) {
    const from = short(dryCommit(moving, 'active'))
    const { text } = tally(moving, 'proposed')
    const branch = textAt(moving, 'branch')
    return health(
      'Progressing',
      `Promotion in progress for environment '${branch}' from '${from}' to '${short(proposed)}': ${text}`,
    )
  }
  const unhappy = environments.flatMap(one => {
    const { pending, failed } = tally(one, 'active')
    if (pending.length + failed.length === 0) return []
    return [`${textAt(one, 'branch')} (${failed.length} failed, ${pending.length} pending)`]
  })
  if (unhappy.length > 0) {
    return health(
      'Healthy',
      `Environments are up-to-date, but some environments have non-successful commit statuses: ${unhappy.join(', ')}.`,
    )
  }
  return health(
    'Healthy',
    `All environments are up-to-date on commit '${short(proposed)}'. ${hydration(first, proposed)}`,
  )
})

/** Which commit the hydrator has looked at last: its note, where it wrote one, is newer than the proposed commit. */
function hydration(environment: Json, proposed: string): string {
  const noted = textAt(environment, 'proposed', 'note', 'drySha') || proposed
  return `Hydrator has processed dry commit '${short(noted)}'.`
}

const commitStatus = then(sentences('commit status'), object => {
  const sha = textAt(object, 'status', 'sha')
  const phase = textAt(object, 'status', 'phase')
  return sha === '' || phase === ''
    ? health('Healthy', 'Commit status is healthy')
    : health('Healthy', `Commit status for commit ${sha} reports ${phase}`)
})

const pullRequest = then(sentences('pull request'), object => {
  const id = plainText(valueAt(object, 'status', 'id'))
  const state = textAt(object, 'status', 'state')
  return id === '' || state === ''
    ? health('Healthy', 'Pull request is healthy')
    : health('Healthy', `Pull request is ${state} as PR ${id}`)
})

const argoCommitStatus = then(
  sentences('argo CD commit status', { initial: 'Initializing Argo CD commit status', spec: 'Argo CD commit status' }),
  object => {
    const { length } = listAt(object, 'status', 'applicationsSelected')
    return length === 0
      ? health('Degraded', 'Argo CD commit status has no applications configured')
      : health('Healthy', `Argo CD commit status is healthy and is tracking ${length} applications`)
  },
)

function always(message: string): () => Health {
  return () => health('Healthy', message)
}

/** GitOps Promoter. */
export const promoterRules: readonly ShippedRule[] = [
  coded('promoter.argoproj.io/ChangeTransferPolicy', changeTransfer),
  coded('promoter.argoproj.io/PromotionStrategy', promotionStrategy),
  coded('promoter.argoproj.io/CommitStatus', commitStatus),
  coded('promoter.argoproj.io/PullRequest', pullRequest),
  coded('promoter.argoproj.io/ArgoCDCommitStatus', argoCommitStatus),
  coded(
    'promoter.argoproj.io/ScmProvider',
    then(
      kindWords('ScmProvider', 'SCM provider', 'SCM provider validation failed', 'SCM provider', 'readiness'),
      always('SCM provider is ready'),
    ),
  ),
  coded(
    'promoter.argoproj.io/ClusterScmProvider',
    then(
      kindWords(
        'ClusterScmProvider',
        'cluster SCM provider',
        'Cluster SCM provider validation failed',
        'Cluster SCM provider',
        'readiness',
      ),
      always('Cluster SCM provider is ready'),
    ),
  ),
  coded(
    'promoter.argoproj.io/GitRepository',
    then(
      kindWords('GitRepository', 'Git repository', 'Git repository validation failed', 'Git repository', 'readiness'),
      always('Git repository is ready'),
    ),
  ),
  coded(
    'promoter.argoproj.io/GitCommitStatus',
    gate(
      kindWords(
        'GitCommitStatus',
        'git commit validation',
        'Git commit validation failed',
        'Git commit validation',
        'status',
      ),
      'Git commit validation',
      'Git commit validation',
      'Git commit validation reconciled',
      'Git commit validation passed',
    ),
  ),
  coded(
    'promoter.argoproj.io/TimedCommitStatus',
    gate(
      kindWords('TimedCommitStatus', 'timed commit gate', 'Timed commit gate failed', 'Timed commit gate', 'status'),
      'Timed commit gate',
      'Timed commit gate',
      'Timed commit gate reconciled',
      'Timed commit gate satisfied',
    ),
  ),
  coded(
    'promoter.argoproj.io/WebRequestCommitStatus',
    gate(
      kindWords(
        'WebRequestCommitStatus',
        'web request commit validation',
        'Web request commit validation failed',
        'Web request commit validation',
        'status',
      ),
      'Web request validation',
      'Web request validation',
      'Web request commit validation reconciled',
      'Web request validation passed',
    ),
  ),
]

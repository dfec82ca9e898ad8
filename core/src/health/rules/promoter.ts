import type { Line, Message, Values } from '../data/data-rule.ts'
import { any, compare, condition, equals, filled, not, present, rule, type ShippedRule, same, some } from './parts.ts'
import { choose, count, find, first, join, start } from './value-parts.ts'

/** How one of the Promoter's kinds speaks. */
interface Words {
  /** Before there is a status. */
  readonly initial: string
  readonly deleting: string
  /** A finalizer that holds the object, and what it waits for. */
  readonly held?: readonly [finalizer: string, help: string]
  /** What the sentence about an unobserved spec names. */
  readonly spec: string
  readonly missing: string
  /** `<failed>: message` for a reconciliation error, `<notReady> (reason): message` for another reason. */
  readonly failed: string
  readonly notReady: string
  /** `<unknown> (reason): message`; without it an Unknown readiness is looked over. */
  readonly unknown?: string
}

const DELETED = present('metadata.deletionTimestamp')

/** What all of them share: deletion, the generation that Ready is about, a failure. */
function unready(words: Words): readonly Line[] {
  const { held, unknown } = words
  const lines: Line[] = []
  if (held !== undefined) {
    const waits = some('metadata.finalizers', equals('entry', held[0]))
    lines.push([{ kind: 'all', of: [DELETED, waits] }, 'Progressing', `${words.deleting}. ${held[0]}: ${held[1]}`])
  }
  lines.push(
    [DELETED, 'Progressing', words.deleting],
    [not(present('status')), 'Progressing', words.initial],
    [not(condition('Ready')), 'Progressing', words.missing],
    [
      not(condition('Ready', undefined, { current: true })),
      'Progressing',
      `Waiting for ${words.spec} spec update to be observed`,
    ],
    [
      condition('Ready', 'False', { reasons: ['ReconciliationError'] }),
      'Degraded',
      `${words.failed}: {condition.message|'Unknown error'}`,
    ],
    [
      condition('Ready', 'False'),
      'Degraded',
      `${words.notReady} ({condition.reason|'Unknown'}): {condition.message|'Unknown error'}`,
    ],
  )
  if (unknown !== undefined) {
    const message = `${unknown} ({condition.reason|'Unknown'}): {condition.message|'Unknown'}`
    lines.push([condition('Ready', 'Unknown'), 'Progressing', message])
  }
  return lines
}

/** A kind of lower-case words (`commit status`), as its sentences have it. */
function sentences(name: string, rest: Partial<Words> = {}): readonly Line[] {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  return unready({
    initial: `Initializing ${name}`,
    deleting: `${capital} is being deleted`,
    spec: name,
    missing: `${capital} is not ready yet`,
    failed: `${capital} reconciliation failed`,
    notReady: `${capital} reconciliation failed`,
    ...rest,
  })
}

/** The newer kinds, which name themselves by their kind and call what they do (`pending`) by other words. */
function kindSentences(
  kind: string,
  {
    initial,
    failed,
    pending,
    unknown,
    ...rest
  }: { readonly [word in 'initial' | 'failed' | 'pending' | 'unknown']: string } & {
    readonly held?: readonly [string, string]
  },
): readonly Line[] {
  return unready({
    initial: `Initializing ${initial}`,
    deleting: `${kind} is being deleted`,
    spec: kind,
    missing: `${kind} Ready condition is missing`,
    failed,
    notReady: `${pending} not ready`,
    unknown: [pending, unknown, 'unknown'].filter(Boolean).join(' '),
    ...rest,
  })
}

/** A kind that has nothing to say but that it is ready. */
function provider(kind: string, name: string, held?: readonly [string, string]): ShippedRule {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  const words = { initial: name, failed: `${capital} validation failed`, pending: capital, unknown: 'readiness' }
  return rule(`promoter.argoproj.io/${kind}`, kindSentences(kind, { ...words, ...(held && { held }) }), [
    'Healthy',
    `${capital} is ready`,
  ])
}

const ENVIRONMENTS = 'status.environments'

/** Gates that look at each environment: failed before pending before passed. */
function gate(kind: string, name: string, brief: string, passed: string, unknown = 'status'): ShippedRule {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  const failed = equals('entry.phase', 'failure')
  const pending = not(equals('entry.phase', 'success'))
  const branches = (where: typeof failed) => join(ENVIRONMENTS, "{entry.branch|'?'}", { where })
  return rule(
    `promoter.argoproj.io/${kind}`,
    [
      ...kindSentences(kind, { initial: name, failed: `${capital} failed`, pending: capital, unknown }),
      [not(filled(ENVIRONMENTS)), 'Healthy', `${capital} reconciled`],
      [some(ENVIRONMENTS, failed), 'Degraded', `${brief} failed for branch(es): {$failed}`],
      [some(ENVIRONMENTS, pending), 'Progressing', `${brief} pending for branch(es): {$pending}`],
    ],
    ['Healthy', `${passed} for {$environments} environment(s)`],
    { failed: branches(failed), pending: branches(pending), environments: count(ENVIRONMENTS) },
  )
}

/** How far the checks on a commit are, as values whose names begin so, and the message of them. */
function tally(name: string, statuses: string): { readonly values: Values; readonly text: Message } {
  const inPhase = (phase: string) => equals('entry.phase', phase)
  const names = (phase: string) => join(statuses, '{entry.key}', { where: inPhase(phase) })
  const listed = (counted: string, title: string) => {
    return choose(
      [[compare(`$${name}${counted}`, '>', 0), `${title} commit statuses: {$${name}${counted}Names}. `]],
      '',
    )
  }
  const values: Values = {
    [`${name}Pending`]: count(statuses, inPhase('pending')),
    [`${name}Passed`]: count(statuses, inPhase('success')),
    [`${name}Failed`]: count(statuses, inPhase('failure')),
    [`${name}PendingNames`]: names('pending'),
    [`${name}FailedNames`]: names('failure'),
    [`${name}PendingText`]: listed('Pending', 'Pending'),
    [`${name}FailedText`]: listed('Failed', 'Failed'),
  }
  const counts = `{$${name}Pending} pending, {$${name}Passed} successful, {$${name}Failed} failed. `
  return { values, text: `${counts}{$${name}PendingText}{$${name}FailedText}` }
}

/** A check that holds an environment up, or stopped it. */
const UNHAPPY = equals('entry.phase', 'pending', 'failure')
const [ACTIVE, PROPOSED] = ['status.active.dry.sha', 'status.proposed.dry.sha']
const checksOfActive = tally('active', 'status.active.commitStatuses')
const checksOfProposed = tally('proposed', 'status.proposed.commitStatuses')

const changeTransferPolicy = rule(
  'promoter.argoproj.io/ChangeTransferPolicy',
  [
    ...sentences('change transfer policy', {
      held: [
        'changetransferpolicy.promoter.argoproj.io/finalizer',
        "Waiting to clear related PullRequest finalizers and finish cleanup before this policy is removed. Risk if removed manually: The 'changetransferpolicy.promoter.argoproj.io/pullrequest-finalizer' finalizer may not be cleaned up from PullRequests owned by this ChangeTransferPolicy.",
      ],
    }),
    [not(filled(ACTIVE)), 'Progressing', 'The active commit DRY SHA is missing or empty.'],
    [not(filled(PROPOSED)), 'Progressing', 'The proposed commit DRY SHA is missing or empty.'],
    [
      not(same(ACTIVE, PROPOSED)),
      'Progressing',
      `Promotion in progress from '{$from}' to '{$to}': ${checksOfProposed.text}`,
    ],
    [
      some('status.active.commitStatuses', UNHAPPY),
      'Healthy',
      `Environment is up-to-date, but there are non-successful active commit statuses: ${checksOfActive.text}`,
    ],
  ],
  ['Healthy', 'Environment is up-to-date on commit {$from}.'],
  { from: start(ACTIVE, 7), to: start(PROPOSED, 7), ...checksOfActive.values, ...checksOfProposed.values },
)

const checksOfMoving = tally('moving', '$moving.proposed.commitStatuses')

const promotionStrategy = rule(
  'promoter.argoproj.io/PromotionStrategy',
  [
    ...sentences('promotion strategy'),
    [not(filled(ENVIRONMENTS)), 'Degraded', 'Promotion strategy has no environments configured'],
    [
      { kind: 'all', of: [present('$blank'), not(filled('$blank.active.dry.sha'))] },
      'Progressing',
      "The active commit DRY SHA is missing or empty in environment '{$blank.branch}'.",
    ],
    [
      present('$blank'),
      'Progressing',
      "The proposed commit DRY SHA is missing or empty in environment '{$blank.branch}'.",
    ],
    [
      some(ENVIRONMENTS, not(same('entry.proposed.dry.sha', '$proposed'))),
      'Progressing',
      'Not all environments have the same proposed commit SHA. This likely means the hydrator has not run for all environments yet.',
    ],
    [
      present('$moving'),
      'Progressing',
      `Promotion in progress for environment '{$moving.branch}' from '{$from}' to '{$to}': ${checksOfMoving.text}`,
    ],
    [
      some('status.environments.*.active.commitStatuses', UNHAPPY),
      'Healthy',
      'Environments are up-to-date, but some environments have non-successful commit statuses: {$unhappy}.',
    ],
  ],
  ['Healthy', "All environments are up-to-date on commit '{$to}'. Hydrator has processed dry commit '{$hydrated}'."],
  {
    first: find(ENVIRONMENTS),
    proposed: first(['$first.proposed.dry.sha']),
    blank: find(ENVIRONMENTS, any(not(filled('entry.active.dry.sha')), not(filled('entry.proposed.dry.sha')))),
    moving: find(ENVIRONMENTS, not(same('entry.active.dry.sha', '$proposed'))),
    from: start('$moving.active.dry.sha', 7),
    to: start('$proposed', 7),
    ...checksOfMoving.values,
    unhappy: join(ENVIRONMENTS, '{entry.branch} ({$failed} failed, {$pending} pending)', {
      where: some('entry.active.commitStatuses', UNHAPPY),
      values: {
        failed: count('entry.active.commitStatuses', equals('entry.phase', 'failure')),
        pending: count('entry.active.commitStatuses', equals('entry.phase', 'pending')),
      },
    }),
    // Which commit the hydrator has looked at last: its note, where it wrote one, is newer than the proposed commit.
    noted: first(['$first.proposed.note.drySha', '$proposed']),
    hydrated: start('$noted', 7),
  },
)

/** GitOps Promoter. */
export const promoterRules: readonly ShippedRule[] = [
  changeTransferPolicy,
  promotionStrategy,
  rule(
    'promoter.argoproj.io/CommitStatus',
    [
      ...sentences('commit status'),
      [any(not(filled('status.sha')), not(filled('status.phase'))), 'Healthy', 'Commit status is healthy'],
    ],
    ['Healthy', 'Commit status for commit {status.sha} reports {status.phase}'],
  ),
  rule(
    'promoter.argoproj.io/PullRequest',
    [
      ...sentences('pull request'),
      [any(not(present('$id')), not(filled('status.state'))), 'Healthy', 'Pull request is healthy'],
    ],
    ['Healthy', 'Pull request is {status.state} as PR {$id}'],
    { id: first(['status.id']) },
  ),
  rule(
    'promoter.argoproj.io/ArgoCDCommitStatus',
    [
      ...sentences('argo CD commit status', {
        initial: 'Initializing Argo CD commit status',
        spec: 'Argo CD commit status',
      }),
      [not(filled('status.applicationsSelected')), 'Degraded', 'Argo CD commit status has no applications configured'],
    ],
    ['Healthy', 'Argo CD commit status is healthy and is tracking {$applications} applications'],
    { applications: count('status.applicationsSelected') },
  ),
  provider('ScmProvider', 'SCM provider'),
  provider('ClusterScmProvider', 'cluster SCM provider'),
  provider('GitRepository', 'Git repository', [
    'gitrepository.promoter.argoproj.io/finalizer',
    'Waiting until no non-deleting PullRequests still reference this repository. Risk if removed manually: repository metadata may be removed while promotions still depend on it.',
  ]),
  gate('GitCommitStatus', 'git commit validation', 'Git commit validation', 'Git commit validation passed'),
  gate('TimedCommitStatus', 'timed commit gate', 'Timed commit gate', 'Timed commit gate satisfied'),
  gate(
    'WebRequestCommitStatus',
    'web request commit validation',
    'Web request validation',
    'Web request validation passed',
    '',
  ),
]

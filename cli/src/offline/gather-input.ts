import type { GitRepository } from '@flotilla/core/ports/git'
import { type InputAnswer, type InputRequest, isGitRequest } from '@flotilla/generators/inputs'
import { InputAnswers } from '@flotilla/hub/source/answer-inputs'
import type { OnlineInputs } from './online-inputs.ts'
import type { RecordedInputs } from './recorded-inputs.ts'
import type { Repositories, Snapshot } from './repositories.ts'

/** Answers what generators ask, with the hub's own reading, from the local folders that stand for repositories. */
export function inputGatherer({
  repositories,
  recorded,
  online,
}: {
  readonly repositories: Repositories
  readonly recorded: RecordedInputs
  readonly online?: Pick<OnlineInputs, 'answer'>
}): (request: InputRequest) => Promise<InputAnswer> {
  const unavailable = new Map<string, string>()
  const answers = new InputAnswers({
    open: async url => {
      const opened = await repositories.open(url)
      if (opened.kind === 'found') return atOneCommit(opened.snapshot)
      unavailable.set(url, opened.message)
      return undefined
    },
    failure: url => {
      const message = unavailable.get(url)
      return message === undefined ? undefined : { code: 'INPUT_UNAVAILABLE', message, since: 0, retry: false }
    },
  })
  return async request => {
    if (isGitRequest(request)) return answers.answer(request)
    const known = recorded.answer(request)
    return online && known.kind === 'failed' && known.code === 'INPUT_UNAVAILABLE' ? online.answer(request) : known
  }
}

/** Offline one commit is looked at, whatever revision a document names. */
function atOneCommit({ repository, commit }: Snapshot): GitRepository {
  return {
    fetch: signal => repository.fetch(signal),
    resolve: async () => commit,
    readCommit: id => repository.readCommit(id),
    readTree: id => repository.readTree(id),
    readBlob: (id, maxBytes) => repository.readBlob(id, maxBytes),
    close: () => repository.close(),
  }
}

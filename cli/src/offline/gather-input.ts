import type { GitRepository } from '@flotilla/core/ports/git'
import { type InputAnswer, type InputRequest, isGitRequest } from '@flotilla/generators/inputs'
import { InputAnswers } from '@flotilla/hub/source/answer-inputs'
import type { RecordedInputs } from './recorded-inputs.ts'
import type { Repositories, Snapshot } from './repositories.ts'

/** Answers what generators ask, with the hub's own reading, from the local folders that stand for repositories. */
export function inputGatherer({
  repositories,
  recorded,
}: {
  readonly repositories: Repositories
  readonly recorded: RecordedInputs
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
  return async request => (isGitRequest(request) ? answers.answer(request) : recorded.answer(request))
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

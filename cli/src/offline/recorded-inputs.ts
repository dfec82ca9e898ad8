import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { equalJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import type { HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import { usageError } from '../errors.ts'

/** What services over the network answered once: for machines that cannot ask, and for tests. */
export interface RecordedInputs {
  answer(request: HostedRequest): InputAnswer
}

const MAX_BYTES = 16 * 1024 * 1024
/** The kinds of answer, with the list that each is made of. */
const ANSWERS: { readonly [kind: string]: string } = {
  'scm-repositories': 'repositories',
  'scm-branches': 'repositories',
  'scm-path': 'exists',
  'pull-requests': 'pullRequests',
  'pull-request-files': 'paths',
  plugin: 'parameters',
  'decision-resources': 'resources',
}

interface Recording {
  readonly request: JsonObject
  readonly answer: JsonObject
}

/**
 * Reads files of recorded inputs: YAML or JSON documents, each a list of `{request, answer}`. A recording answers every
 * request that has the fields which its own request names, whatever else is asked; the first that does, answers.
 *
 * @throws CliError (usage) for a file that is not there or says something else.
 */
export function readRecordedInputs(paths: readonly string[], cwd: string): RecordedInputs {
  const recordings = paths.flatMap(path => readFile(path, cwd))
  return {
    answer: request => {
      const asked = request as unknown as JsonObject
      const found = recordings.find(recording => isPart(recording.request, asked))
      if (found !== undefined) return found.answer as unknown as InputAnswer
      const message = `${request.kind}: what services over the network say is not known offline`
      return { kind: 'failed', code: 'INPUT_UNAVAILABLE', message, retry: false }
    },
  }
}

function readFile(path: string, cwd: string): readonly Recording[] {
  const full = resolve(cwd, path)
  const status = statSync(full, { throwIfNoEntry: false })
  if (!status?.isFile()) throw usageError(`--inputs: there is no file ${path}`)
  if (status.size > MAX_BYTES) throw usageError(`--inputs: ${path} has more than ${MAX_BYTES} bytes`)
  const { documents, diagnostics } = parseYamlDocuments(readFileSync(full, 'utf8'), { file: path, maxBytes: MAX_BYTES })
  const [mistake] = diagnostics
  if (mistake) throw usageError(`--inputs: ${mistake.file}:${mistake.line}:${mistake.column} ${mistake.message}`)
  return documents.flatMap(({ value, positionOf }) => {
    const { line } = positionOf([])
    if (!Array.isArray(value)) throw usageError(`--inputs: ${path}:${line} is no list of {request, answer}`)
    return value.map((entry, index) => readRecording(entry as Json, `${path}:${positionOf([index]).line}`))
  })
}

function readRecording(entry: Json, place: string): Recording {
  if (!isJsonObject(entry) || !isJsonObject(entry['request']) || !isJsonObject(entry['answer'])) {
    throw usageError(`--inputs: ${place} has no request and answer`)
  }
  const { request, answer } = entry
  const kind = answer['kind'] ?? request['kind']
  const member = typeof kind === 'string' && Object.hasOwn(ANSWERS, kind) ? ANSWERS[kind] : undefined
  if (kind !== 'failed' && (member === undefined || request['kind'] !== kind)) {
    throw usageError(`--inputs: ${place} answers "${String(kind)}"; there are ${Object.keys(ANSWERS).join(', ')}`)
  }
  if (member !== undefined && answer[member] === undefined) {
    throw usageError(`--inputs: ${place}: an answer of kind "${String(kind)}" has "${member}"`)
  }
  return { request, answer: { ...answer, kind } }
}

/** Whether everything that `part` says is so in `whole`. */
function isPart(part: Json | undefined, whole: Json | undefined): boolean {
  if (!isJsonObject(part)) return equalJson(part, whole)
  return (
    isJsonObject(whole) && Object.keys(part).every(key => Object.hasOwn(whole, key) && isPart(part[key], whole[key]))
  )
}

import { authoriseObject } from '@flotilla/core/access/authorise-object'
import { type PatchingVerb, planObjectAction } from '@flotilla/core/command/object-action'
import { assessHealth } from '@flotilla/core/health/assess-health'
import { numberIfAny, textAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, type ObjectKey, objectKeyText, versionOf } from '@flotilla/core/model/kubernetes-object'
import { ownerOf } from '@flotilla/core/plan/tracking'
import type { CommandAction, CommandPayload } from '@flotilla/core/protocol/documents'
import type { CommandAnswer, CommandResult } from '@flotilla/core/protocol/frames'
import { mayRunCommand } from '@flotilla/core/protocol/may-run-command'
import type { Engine } from './engine.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { HeldCommand } from './link/held-commands.ts'
import { isOrphanNow } from './orphan-now.ts'
import type { StreamAction, WhyNot } from './streams/command-streams.ts'
import { writerFor } from './writer-of.ts'

type Outcome = Pick<CommandAnswer, 'outcome' | 'message' | 'result'>

export interface CommandHooks {
  /** What an operation or an object was changed by: the Application is to be looked at again. */
  readonly changed: (applicationId: string) => void
}

/**
 * Does one command, at most once: its id is kept before anything is done, and what it touches has to be tracked by its
 * Application at that moment (protocol.md 5).
 *
 * @returns false when it has to wait, for a pulse or for the right to write.
 */
export async function runCommand(
  engine: Engine,
  { command, memory }: HeldCommand,
  hooks: CommandHooks,
): Promise<boolean> {
  const { link, log } = engine
  const held = link.held().has(command.application)
  const verdict = mayRunCommand({ command, memory, now: link.hubTime(), held })
  if (verdict.kind === 'wait') return false
  if (verdict.kind === 'repeat') return true
  if (verdict.kind === 'answer') {
    await link.answerCommand({ id: command.id, outcome: verdict.outcome, message: verdict.message })
    return true
  }
  if (!engine.mayWrite()) return false
  await link.beginCommand(command)
  const { action } = command
  if (action.verb === 'logs' || action.verb === 'events' || action.verb === 'children') {
    const refusal: WhyNot = (key, live) => whyNot(engine, command.application, key, live)
    engine.streams.begin(engine, { ...command, action }, refusal, outcome =>
      link.answerCommand({ id: command.id, ...outcome }),
    )
    return true
  }
  const outcome = await attempt(engine, command, action)
  await link.answerCommand({ id: command.id, ...outcome })
  const { verb } = action
  log.info('a command was done', { command: command.id, verb, by: command.by, outcome: outcome.outcome })
  hooks.changed(command.application)
  if (verb === 'delete') engine.orphans.soon(command.application)
  return true
}

async function attempt(
  engine: Engine,
  command: CommandPayload,
  action: Exclude<CommandAction, StreamAction>,
): Promise<Outcome> {
  let writing = false
  try {
    return await perform(engine, command, action, () => {
      writing = true
    })
  } catch (error) {
    if (!isKubernetesError(error)) {
      engine.log.error('a command failed', { command: command.id, error })
      return { outcome: 'failed', message: error instanceof Error ? error.message : String(error) }
    }
    // No answer came: the cluster may have done it all the same.
    return { outcome: writing && error.status === 0 ? 'unknown' : 'failed', message: error.message }
  }
}

/** @param aboutToWrite Called before the first request that changes anything: from there on a lost answer says nothing. */
async function perform(
  engine: Engine,
  command: CommandPayload,
  action: Exclude<CommandAction, StreamAction>,
  aboutToWrite: () => void,
): Promise<Outcome> {
  switch (action.verb) {
    case 'terminate': {
      aboutToWrite()
      const ended = await engine.operations.terminate(command.application, action.operation, command.by)
      return ended === 'asked'
        ? { outcome: 'done', message: 'the operation ends at its next safe point' }
        : { outcome: 'refused', message: `operation ${action.operation} is not running` }
    }
    case 'inspect':
    case 'delete':
    case 'scale':
    case 'restart':
    case 'suspend':
    case 'resume':
      return await onObject(engine, command, action, aboutToWrite)
  }
}

async function onObject(
  engine: Engine,
  { application, id }: CommandPayload,
  action: Extract<CommandAction, { readonly verb: 'inspect' | 'delete' | PatchingVerb }>,
  aboutToWrite: () => void,
): Promise<Outcome> {
  const { client, link } = engine
  const { object } = action
  // Nobody gets more done by hand than by a sync.
  const writer = writerFor(client, link.held().get(application))
  const live = await client.get(object)
  if (!live) return { outcome: 'refused', message: `${objectKeyText(object)} is not there` }
  const refusal = await whyNot(engine, application, object, live)
  const orphan = refusal !== undefined && (await mayGo(engine, writer, application, action))
  if (refusal !== undefined && !orphan) return { outcome: 'refused', message: refusal }
  if (action.verb === 'inspect') {
    return { outcome: 'done', message: `${objectKeyText(object)} is there`, result: resultOf(live) }
  }
  if (action.verb === 'delete') {
    if (live.metadata.uid !== action.uid) {
      return { outcome: 'refused', message: `another ${objectKeyText(object)} is there than the one that was meant` }
    }
    aboutToWrite()
    const deleted = await writer.delete(object, { uid: action.uid })
    return deleted === 'deleted'
      ? { outcome: 'done', message: `${objectKeyText(object)} is being deleted`, result: resultOf(live) }
      : { outcome: 'refused', message: `${objectKeyText(object)} was not there any more` }
  }
  const plan = planObjectAction(action, live, id)
  if (plan.kind === 'refuse') return { outcome: 'refused', message: plan.message }
  if (plan.kind === 'nothing') return { outcome: 'done', message: plan.message, result: resultOf(live) }
  aboutToWrite()
  const changed = await writer.patchJson(object, versionOf(live.apiVersion), plan.operations)
  return { outcome: 'done', message: plan.message, result: resultOf(changed) }
}

/**
 * Of what nothing tracks, an orphan may be looked at and deleted: that is what the report of it is for. It is read with
 * the rights that the report was made with: what those do not show is no orphan of this Application.
 */
async function mayGo(
  engine: Engine,
  reader: KubernetesClient,
  application: string,
  { verb, object }: { readonly verb: string; readonly object: ObjectKey },
): Promise<boolean> {
  const held = engine.link.held().get(application)
  if (held?.typ !== 'offer' || held.orphans === undefined || (verb !== 'inspect' && verb !== 'delete')) return false
  const live = await reader.get(object).catch(unseen)
  return live !== undefined && (await isOrphanNow(engine, reader, held, object, live))
}

function unseen(error: unknown): undefined {
  if (!isKubernetesError(error, 'FORBIDDEN')) throw error
}

/** Only what the Application tracks, and only what its Project's ceiling permits now. */
async function whyNot(
  { client, inventories, link }: Engine,
  application: string,
  key: ObjectKey,
  live: KubernetesObject,
): Promise<string | undefined> {
  const name = objectKeyText(key)
  const listed = (await inventories.read(application)).some(entry => objectKeyText(entry) === name)
  // Whose it is instead is not told: it may be another team's.
  if (ownerOf(live, application, listed).kind !== 'ours') return `${name} is not tracked by this Application`
  const held = link.held().get(application)
  if (held?.typ !== 'offer') return undefined
  const { namespaced } = await client.discovery.find(key.group, key.kind, name)
  const { kind } = authoriseObject(held.ceiling, 'act', { ...key, namespaced })
  return kind === 'allow' ? undefined : `the Project does not permit ${name}`
}

function resultOf(live: KubernetesObject): CommandResult {
  const { uid, creationTimestamp } = live.metadata
  const replicas = numberIfAny(live, 'spec', 'replicas')
  const health = assessHealth(live)?.status
  return {
    version: textAt(live, 'apiVersion'),
    ...(uid !== undefined && { uid }),
    ...(creationTimestamp !== undefined && { createdAt: creationTimestamp }),
    ...(replicas !== undefined && { replicas }),
    ...(health !== undefined && { health }),
  }
}

import { parentPort } from 'node:worker_threads'
import { expand } from '@flotilla/generators/expand'
import { type SetMessage, type SetReply, setOf } from './set-message.ts'

/** The other side of `expand-in-worker.ts`: expands one set after the other, and is ended when one takes too long. */
parentPort?.on('message', (message: SetMessage) => {
  parentPort?.postMessage(replyTo(message))
})

function replyTo(message: SetMessage): SetReply {
  try {
    const { set, inputs, asked } = setOf(message)
    const expansion = expand(set, inputs)
    return { kind: 'expanded', expansion, asked: [...asked.values()] }
  } catch (error) {
    return { kind: 'broken', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

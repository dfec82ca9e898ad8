import { once } from 'node:events'
import process from 'node:process'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { CliContext, Sink } from './context.ts'
import { runCommand } from './program.ts'

/** The command as a process: the only file that reads its arguments, streams and environment. */
export async function main(): Promise<void> {
  const context: CliContext = {
    cwd: process.cwd(),
    env: process.env,
    clock: createClock(globalThis),
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    exitCode: 0,
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`| head`) closes the pipe: that is no failure.
    if (error.code === 'EPIPE') process.exit(0)
    context.stderr.write(`error: what was asked for cannot be written: ${error.message}\n`)
    process.exit(1)
  })
  // With nobody to talk to, or no space for the talk, the work is done all the same.
  process.stderr.on('error', () => undefined)
  // Set, not exit(): what is still in the pipes has to get out.
  process.exitCode = await runCommand(process.argv.slice(2), context)
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  return {
    write: text => void stream.write(text),
    drained: async () => void (stream.writableNeedDrain && (await once(stream, 'drain'))),
    isTerminal: stream.isTTY === true,
  }
}

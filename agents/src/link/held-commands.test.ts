import type { Log } from '@flotilla/core/ports/log'
import type { CommandPayload } from '@flotilla/core/protocol/documents'
import { signJws } from '@flotilla/core/protocol/jws'
import { SAMPLE_CLUSTER, sampleContext, sampleKey } from '@flotilla/core/protocol/samples'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { HeldCommands } from './held-commands.ts'

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => QUIET }
const key = sampleKey()
const context = sampleContext(key)

function command(over: Partial<CommandPayload> = {}): CommandPayload {
  return {
    typ: 'command',
    cluster: SAMPLE_CLUSTER,
    adm: 1,
    iat: 1000,
    must: ['action', 'expires'],
    id: 'command-1',
    application: 'app-1',
    action: { verb: 'terminate', operation: 'op-1' },
    by: 'ana',
    expires: 10_000,
    ...over,
  }
}

const signed = (payload: object): string => signJws('command', payload, key)

/** The same folder, read by a new process. */
async function restarted(state: MemoryState): Promise<HeldCommands> {
  const commands = new HeldCommands(state, QUIET)
  await commands.load()
  return commands
}

describe('commands that an agent holds', () => {
  test('wait in the order in which they were given, each once however often it comes', async () => {
    const commands = await restarted(new MemoryState())
    const [early, late] = [signed(command()), signed(command({ id: 'command-2', iat: 2000 }))]
    expect(await commands.take([late, early, late], context)).toBe(true)
    expect(await commands.take([early], context)).toBe(false)
    expect(commands.open().map(each => [each.command.id, each.memory])).toEqual([
      ['command-1', 'new'],
      ['command-2', 'new'],
    ])
  })

  test('one that is being done is nobody else’s; after a crash it is known to have been begun', async () => {
    const state = new MemoryState()
    const commands = await restarted(state)
    await commands.take([signed(command())], context)
    await commands.begin(command())
    expect(commands.open()).toEqual([])
    const later = await restarted(state)
    expect(later.unacknowledged()).toEqual([])
    await later.take([signed(command())], context)
    expect(later.open()).toMatchObject([{ memory: 'begun' }])
  })

  test('the first answer stands, is repeated until it is acknowledged, and again if the hub asks again', async () => {
    const state = new MemoryState()
    const commands = await restarted(state)
    await commands.take([signed(command())], context)
    await commands.begin(command())
    await commands.answer({ id: 'command-1', outcome: 'done', message: 'scaled' })
    await commands.answer({ id: 'command-1', outcome: 'failed', message: 'no' })
    const later = await restarted(state)
    expect(later.unacknowledged()).toEqual([{ id: 'command-1', outcome: 'done', message: 'scaled' }])
    await later.acknowledged(['command-1', 'unheard-of'])
    expect(later.unacknowledged()).toEqual([])
    // A hub that was restored repeats it: it is told again, and nothing is done again.
    expect(await later.take([signed(command())], context)).toBe(true)
    expect(later.open()).toEqual([])
    expect(later.unacknowledged()).toHaveLength(1)
  })

  test('an id is remembered until nobody can repeat the command any more', async () => {
    const state = new MemoryState()
    const commands = await restarted(state)
    await commands.take([signed(command())], context)
    await commands.begin(command())
    await commands.answer({ id: 'command-1', outcome: 'done', message: '' })
    await commands.sweep(99_000_000)
    expect(await state.list('commands/')).toHaveLength(1)
    await commands.acknowledged(['command-1'])
    await commands.sweep(10_000 + 3_600_000 - 1)
    expect(await state.list('commands/')).toHaveLength(1)
    await commands.sweep(10_000 + 3_600_000)
    expect(await state.list('commands/')).toEqual([])
  })

  test('a verb that this agent does not know is refused, and said so', async () => {
    const commands = await restarted(new MemoryState())
    const unknown = signed({ ...command(), action: { verb: 'reboot', object: {} } })
    expect(await commands.take([unknown], context)).toBe(true)
    expect(commands.unacknowledged()).toMatchObject([{ id: 'command-1', outcome: 'refused' }])
    expect(await commands.take([unknown], context)).toBe(false)
  })

  test('of another cluster, another admission or another hand it is dropped without an answer', async () => {
    const commands = await restarted(new MemoryState())
    const foreign = [
      signed(command({ cluster: 'another' })),
      signed(command({ adm: 2 })),
      signJws('command', command(), sampleKey(9)),
      signJws('grant', command(), key),
      'nonsense',
    ]
    expect(await commands.take(foreign, context)).toBe(false)
    expect([commands.open(), commands.unacknowledged()]).toEqual([[], []])
  })

  test('what stands in the folder and cannot be read counts as begun', async () => {
    const state = new MemoryState()
    await state.put('commands/command-1', Buffer.from('{"half'))
    const commands = await restarted(state)
    await commands.take([signed(command())], context)
    expect(commands.open()).toMatchObject([{ memory: 'begun' }])
  })
})

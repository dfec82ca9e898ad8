import { Argument, type Command } from 'commander'
import type { ExitCode } from '../context.ts'
import { type CompletionSpec, completionScript, SHELLS, type Shell } from '../output/completion-script.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla completion bash|zsh|fish`: a script made from the registered verbs, so that it cannot fall behind. */
export const completion: Verb = {
  register(program, context) {
    program
      .command('completion')
      .description('print a completion script for your shell')
      .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
      .addHelpText(
        'after',
        '\nExamples:\n  source <(flotilla completion bash)\n  flotilla completion fish > ~/.config/fish/completions/flotilla.fish',
      )
      .action(
        action(context, async (shell: Shell): Promise<ExitCode> => {
          const { AGENT_FLAGS } = await import('@flotilla/agents/settings')
          const spec = specOf(program)
          const children = spec.children.map(child => (child.name === 'agent' ? agentSpec(child, AGENT_FLAGS) : child))
          context.stdout.write(completionScript(shell, { ...spec, children }))
          return 0
        }),
      )
  },
}

/** The agent reads its own words: commander does not know them. */
function agentSpec(spec: CompletionSpec, flags: readonly string[]): CompletionSpec {
  const plan = { name: 'plan', description: 'what a sync would do now', options: flags, children: [] }
  return { ...spec, options: [...spec.options, ...flags], children: [plan] }
}

function specOf(command: Command): CompletionSpec {
  return {
    name: command.name(),
    description: command.description(),
    options: command.options.flatMap(option => (option.long ? [option.long] : [])),
    children: command.commands.map(specOf),
  }
}

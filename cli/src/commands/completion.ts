import { Argument, type Command } from 'commander'
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
        action(context, (shell: Shell) => {
          context.stdout.write(completionScript(shell, specOf(program)))
          return 0
        }),
      )
  },
}

function specOf(command: Command): CompletionSpec {
  return {
    name: command.name(),
    description: command.description(),
    options: command.options.flatMap(option => (option.long ? [option.long] : [])),
    children: command.commands.map(specOf),
  }
}

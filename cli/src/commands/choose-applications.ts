import type { Command } from 'commander'

/** Applications by name, or by what they have in common, as the API chooses many. */
export function chosen(command: Command): Command {
  return command
    .argument('[names...]', 'Applications')
    .option('-l, --selector <labels>', 'as for kubectl: tier=gold,env in (dev,prod)')
    .option('--project <names>', 'those of these Projects; commas between several, here and below')
    .option('--cluster <names>', 'those for these clusters')
    .option('--set <names>', 'those of these ApplicationSets')
}

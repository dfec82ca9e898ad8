export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export interface CompletionSpec {
  readonly name: string
  readonly description: string
  readonly options: readonly string[]
  readonly children: readonly CompletionSpec[]
}

/** A script that completes verbs and their options, and file names for everything else. */
export function completionScript(shell: Shell, root: CompletionSpec): string {
  switch (shell) {
    case 'bash':
      return bash(root)
    case 'zsh':
      return `#compdef ${root.name}\nautoload -U +X bashcompinit && bashcompinit\n${bash(root)}`
    case 'fish':
      return fish(root)
  }
}

function bash(root: CompletionSpec): string {
  const cases = paths(root)
    .map(({ path, spec }) => `      '${path.join(' ')}') words='${wordsOf(spec, root)}'; break ;;`)
    .join('\n')
  // The longest run of words that is a known command decides; arguments behind it fall away one by one.
  return `_${root.name}_complete() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) path="\${path:+$path }$word" ;;
    esac
  done
  while :; do
    case "$path" in
${cases}
    esac
    case "$path" in
      *' '*) path="\${path% *}" ;;
      *) path='' ;;
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${root.name}_complete ${root.name}
`
}

function fish(root: CompletionSpec): string {
  const lines: string[] = []
  for (const { path, spec } of paths(root)) {
    const condition =
      path.length === 0
        ? '__fish_use_subcommand'
        : path.map(word => `__fish_seen_subcommand_from ${word}`).join('; and ')
    for (const child of spec.children) {
      lines.push(`complete -c ${root.name} -n '${condition}' -a ${child.name} -d '${escaped(child.description)}'`)
    }
    for (const option of spec.options) lines.push(`complete -c ${root.name} -n '${condition}' -l ${option.slice(2)}`)
  }
  for (const option of root.options) lines.push(`complete -c ${root.name} -l ${option.slice(2)}`)
  return `${lines.join('\n')}\n`
}

function paths(
  spec: CompletionSpec,
  path: readonly string[] = [],
): { path: readonly string[]; spec: CompletionSpec }[] {
  return [{ path, spec }, ...spec.children.flatMap(child => paths(child, [...path, child.name]))]
}

function wordsOf(spec: CompletionSpec, root: CompletionSpec): string {
  const options = spec === root ? root.options : [...spec.options, ...root.options]
  return [...spec.children.map(child => child.name), ...options].join(' ')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}

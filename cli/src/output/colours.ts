import type { CliContext, Sink } from '../context.ts'

export interface Colours {
  readonly enabled: boolean
  red(text: string): string
  yellow(text: string): string
  green(text: string): string
  bold(text: string): string
  dim(text: string): string
}

/** Colours where a person sees them: on a terminal, unless NO_COLOR or `--no-color` says otherwise. */
export function coloursOf(context: CliContext, sink: Sink, options: { readonly color?: boolean } = {}): Colours {
  const refused = options.color === false || (context.env['NO_COLOR'] ?? '') !== '' || context.env['TERM'] === 'dumb'
  const enabled = sink.isTerminal && !refused
  const paint = (open: number, close: number) => (text: string) =>
    enabled ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    enabled,
    red: paint(31, 39),
    yellow: paint(33, 39),
    green: paint(32, 39),
    bold: paint(1, 22),
    dim: paint(2, 22),
  }
}

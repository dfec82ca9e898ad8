import { describe, expect, test } from 'vitest'
import { compose, type FreezeState, type WindowState } from './compose.ts'

type Cell =
  | 'allow'
  | 'refuse F'
  | 'refuse W'
  | 'refuse F+W'
  | 'allow, reason'
  | 'allow, used F'
  | 'allow, used W'
  | 'allow, used F+W'

interface Row {
  readonly row: string
  readonly freeze: FreezeState
  readonly window: WindowState
  /** Whether an override may cover the freeze. */
  readonly breakGlass?: false
  /** automated; manual; manual with an override; automated with one that includes automated starts. */
  readonly cells: readonly [Cell, Cell, Cell, Cell]
}

const TABLE: readonly Row[] = [
  { row: '1', freeze: 'none', window: 'open', cells: ['allow', 'allow', 'allow', 'allow'] },
  {
    row: '2',
    freeze: 'none',
    window: 'closed, manual allowed',
    cells: ['refuse W', 'allow', 'allow', 'allow, used W'],
  },
  { row: '3', freeze: 'none', window: 'closed', cells: ['refuse W', 'refuse W', 'allow, used W', 'allow, used W'] },
  { row: '4', freeze: 'soft', window: 'open', cells: ['refuse F', 'allow, reason', 'allow', 'allow, used F'] },
  {
    row: '5',
    freeze: 'soft',
    window: 'closed, manual allowed',
    cells: ['refuse F+W', 'allow, reason', 'allow', 'allow, used F+W'],
  },
  { row: '6', freeze: 'soft', window: 'closed', cells: ['refuse F+W', 'refuse W', 'allow, used W', 'allow, used F+W'] },
  { row: '7', freeze: 'hard', window: 'open', cells: ['refuse F', 'refuse F', 'allow, used F', 'allow, used F'] },
  {
    row: '8',
    freeze: 'hard',
    window: 'closed, manual allowed',
    cells: ['refuse F+W', 'refuse F', 'allow, used F', 'allow, used F+W'],
  },
  {
    row: '9',
    freeze: 'hard',
    window: 'closed',
    cells: ['refuse F+W', 'refuse F+W', 'allow, used F+W', 'allow, used F+W'],
  },
  {
    row: '10, window open',
    freeze: 'hard',
    window: 'open',
    breakGlass: false,
    cells: ['refuse F', 'refuse F', 'refuse F', 'refuse F'],
  },
  {
    row: '10, window closed but for manual',
    freeze: 'hard',
    window: 'closed, manual allowed',
    breakGlass: false,
    cells: ['refuse F+W', 'refuse F', 'refuse F', 'refuse F'],
  },
  {
    row: '10, window closed',
    freeze: 'hard',
    window: 'closed',
    breakGlass: false,
    cells: ['refuse F+W', 'refuse F+W', 'refuse F', 'refuse F'],
  },
]

const COLUMNS = [
  { column: 'automated', automated: true, override: false },
  { column: 'manual', automated: false, override: false },
  { column: 'manual, override', automated: false, override: true },
  { column: 'automated, override for automated', automated: true, override: true },
]

const CELLS = TABLE.flatMap(row =>
  COLUMNS.map((column, index) => ({ ...row, ...column, expected: row.cells[index]!, cells: undefined })),
)

function shown({ freeze, window, breakGlass, automated, override }: (typeof CELLS)[number], permitted = true): string {
  const verdict = compose({
    permitted,
    automated,
    freeze,
    window,
    freezeCovered: override && breakGlass !== false && freeze !== 'none',
    windowCovered: override,
  })
  const { layers, allowed, reasonRequired, overrideUsed } = verdict
  const letters = (both: { readonly freeze: boolean; readonly window: boolean }) =>
    [both.freeze ? 'F' : '', both.window ? 'W' : ''].filter(letter => letter !== '').join('+')
  if (!allowed) return `refuse ${letters({ freeze: !layers.freeze, window: !layers.window })}`.trim()
  if (reasonRequired) return 'allow, reason'
  const used = letters({ freeze: overrideUsed.includes('freeze'), window: overrideUsed.includes('window') })
  return used === '' ? 'allow' : `allow, used ${used}`
}

describe('freezes and windows together', () => {
  test.each(CELLS)('row $row, $column: $expected', cell => {
    expect(shown(cell)).toBe(cell.expected)
  })

  test.each(CELLS)('row 0: without permission nothing is allowed ($row, $column)', cell => {
    expect(shown(cell, false)).toMatch(/^refuse/)
  })
})

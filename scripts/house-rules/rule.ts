/** One source file as the rules see it. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly message: string
}

/** A rule of this house that no linter knows: a file in, violations out. */
export type Rule = (file: SourceFile) => readonly Violation[]

export function lineOf(text: string, offset: number): number {
  let line = 1
  for (let index = 0; index < offset; index++) if (text.charCodeAt(index) === 10) line++
  return line
}

/** Tests, and what stands in a folder `testing` to serve them. */
export function isTestFile(path: string): boolean {
  return /\.(test|conformance|bench)\.ts$/.test(path) || path.includes('/testing/')
}

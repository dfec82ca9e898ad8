import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arrows } from './arrows.ts'
import { fileSize } from './file-size.ts'
import { noAmbientTime } from './no-ambient-time.ts'
import type { Rule } from './rule.ts'

/** Checks every TypeScript file that Git knows or would take; prints `file:line rule message`; 1 when any is broken. */
const RULES: readonly Rule[] = [arrows, noAmbientTime, fileSize]

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.ts'], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
})
const paths = listed.split('\0').filter(path => path !== '' && !path.includes('/dist/'))
const violations = paths.flatMap(path => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return RULES.flatMap(rule => rule({ path, text }))
})
for (const { path, line, rule, message } of violations) console.error(`${path}:${line} ${rule} ${message}`)
console.error(`house rules: ${paths.length} files, ${violations.length} violations`)
process.exitCode = violations.length > 0 ? 1 : 0

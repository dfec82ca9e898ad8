import { isTestFile, type Rule } from './rule.ts'

/** Most files stay under 300 lines; beyond this a file has more than one idea. */
const MOST_LINES = 450

export const fileSize: Rule = file => {
  const lines = file.text.split('\n').length - 1
  return isTestFile(file.path) || /^test\/(contract|golden)\//.test(file.path) || lines <= MOST_LINES
    ? []
    : [
        {
          path: file.path,
          line: 1,
          rule: 'file-size',
          message: `${lines} lines: split it by idea (at most ${MOST_LINES})`,
        },
      ]
}

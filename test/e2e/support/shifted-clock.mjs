// Preloaded into a process whose machine's clock is to be wrong: the file says by how many milliseconds, at any time.
import { readFileSync } from 'node:fs'

const real = Date.now
const file = process.env.SHIFTED_CLOCK_FILE

Date.now = () => {
  try {
    return real() + Number(readFileSync(file, 'utf8'))
  } catch {
    return real()
  }
}

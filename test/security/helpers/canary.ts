/** What must be found in no answer, log line, event or figure: values of Secrets, and credentials in URLs. */
export const CANARY_PASSWORD = 'canary-5f2d9c-password'
export const CANARY_CREDENTIALS = 'canary-81ab40-credentials'
export const CANARY_URL = `https://bot:${CANARY_CREDENTIALS}@git.example.com/fleet.git`

const CANARIES = [CANARY_PASSWORD, CANARY_CREDENTIALS]

/** Each canary that a text holds, plain or in one of the forms in which it would leave as well. */
export function canariesIn(text: string): readonly string[] {
  return CANARIES.filter(canary => formsOf(canary).some(form => text.includes(form)))
}

function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  // Within base64 of something longer it may begin at any of three places.
  const shifted = [0, 1, 2].map(offset => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return padded.slice(offset === 0 ? 0 : 4, -4)
  })
  return [text, encodeURIComponent(text), bytes.toString('hex'), ...shifted]
}

/** Longer ones are nobody's. */
const MOST_CHARACTERS = 8_192
const ROLE = /^proj:([A-Za-z0-9._-]{1,253}):([A-Za-z0-9_-]{1,253})$/

/**
 * What to say to whoever shows a token that Argo CD has issued; undefined for every other credential. Nothing is proved
 * by it and nothing of it is believed: the answer depends on what was sent alone, and is a refusal.
 */
export function argoTokenAdvice(text: string): string | undefined {
  const subject = subjectOfArgoToken(text)
  if (subject === undefined) return undefined
  const role = ROLE.exec(subject)
  const [who, command] =
    role === null
      ? ['Sign in with flotilla login; a program gets', 'flotilla token create --name ci --role own']
      : [`Whoever may change Project ${role[1]} makes`, `flotilla token create --project-role ${role[1]}/${role[2]}`]
  return `This token was issued by Argo CD, which signs with a secret of its own: it is not taken here. ${who} one in its place: ${command}`
}

function subjectOfArgoToken(text: string): string | undefined {
  const [, payload, signature, more] = text.split('.', 4)
  if (text.length > MOST_CHARACTERS || payload === undefined || signature === undefined || more !== undefined)
    return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    if (typeof claims !== 'object' || claims === null || !('iss' in claims) || claims.iss !== 'argocd') return undefined
    return 'sub' in claims && typeof claims.sub === 'string' ? claims.sub : ''
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * Two spellings of one repository compare equal: white space, case, a trailing `.git` and the scp form
 * (`git@host:path`) do not matter. For comparing only: it is not an address to fetch from.
 */
export function normaliseRepositoryUrl(url: string): string {
  let text = url.trim().toLowerCase()
  const scp = /^([\w.-]+@)?([\w.-]+):(?!\/\/)(?!\d+\/)(.+)$/.exec(text)
  if (scp && !text.includes('://')) text = `ssh://${scp[1] ?? ''}${scp[2]}/${scp[3]!.replace(/^\/+/, '')}`
  return text.replace(/\/+$/, '').replace(/\.git$/, '')
}

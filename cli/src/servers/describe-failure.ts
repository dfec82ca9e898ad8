/** What a failed start says, and how to mend it; undefined for a defect of ours, which shows its stack. */
export function describeFailure(error: unknown): { readonly message: string; readonly hint?: string } | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const hint = HINTS[error.code]
  return { message: error.message, ...(hint !== undefined && { hint }) }
}

const HINTS: { readonly [code: string]: string | undefined } = {
  EADDRINUSE: 'another program listens there; give another --listen',
  EACCES: 'ports below 1024 and files of others need rights that this user does not have',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EEXIST: 'a file stands where a folder is needed',
  ENOTDIR: 'a file stands where a folder is needed',
  EROFS: 'the disk can only be read; give another --data-directory',
  ENOSPC: 'make space on the disk',
  STORE_LOCKED: 'one data folder is for one hub',
  STORE_FULL: 'make space on the disk, or raise store.maxBytes',
  HUB_KEY_MALFORMED: 'restore hub.key from where you keep it; without it every agent has to enrol again',
}

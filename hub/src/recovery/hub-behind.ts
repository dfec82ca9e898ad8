/** Something was to be issued by a hub whose store is behind; it can be done once the hub is recovered. */
export class HubBehind extends Error {
  readonly code = 'STORE_BEHIND'
  readonly subject = 'hub'
  readonly retry = true
  constructor() {
    super('the hub does not know all that it has issued; nothing is issued until "flotilla hub recover" (STORE_BEHIND)')
    this.name = 'HubBehind'
  }
}

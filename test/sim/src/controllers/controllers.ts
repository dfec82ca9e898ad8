import type { Core } from '../api/core.ts'

export class Controllers {
  private readonly core: Core
  constructor(core: Core) {
    this.core = core
  }
  stop(): void {}
}

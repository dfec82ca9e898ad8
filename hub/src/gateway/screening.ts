import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Caller } from './authenticate.ts'
import type { TakeUpload } from './uploads.ts'

/** Whether a request's body is worth reading: answered, or so many bytes at most. */
export type Screening =
  | { readonly kind: 'answer'; readonly response: HubResponse }
  /** Its body is to be read while it comes. */
  | { readonly kind: 'upload'; readonly take: TakeUpload }
  /** `done` gives back the memory that was set aside for the body; to be called when the request is over. */
  | { readonly kind: 'proceed'; readonly maxBodyBytes: number; readonly done: () => void; readonly caller?: Caller }

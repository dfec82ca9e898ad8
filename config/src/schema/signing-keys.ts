import { documentOf, object, optionalTexts } from './shapes.ts'

export const signingKeysDocument = documentOf(
  'flotilla.dev/v1alpha1',
  'SigningKeys',
  object({ openpgp: optionalTexts, ssh: optionalTexts }),
)

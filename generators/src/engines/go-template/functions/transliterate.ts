import { transliterate as library } from 'transliteration'

/** A text in ASCII: each other character by what it sounds or looks like. */
export function transliterate(text: string): string {
  return library(text)
}

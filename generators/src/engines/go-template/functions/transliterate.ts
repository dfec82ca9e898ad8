import { transliterate as library } from 'transliteration'

/**
 * Where the library and the one that Argo CD uses differ: what the latter writes, a colon, and the characters that it
 * writes so; `=` is nothing.
 */
const DIFFERENCES =
  '=:ℂℊℋℌℍℎℐℑℒℓ℔ℕ№℗℘ℙℚℛℜℝ℠℡™ℤ℧ℨℬℭ℮ℯℱℳℴℹ℺ ' +
  '-:ɅЪЬъьع 0:⓪ a:ÅⓐⱥⱯ b:Ββᵬᶀⓑ c:ᒡⓒ ca:ᒐ caa:ᒑ ce:ᒉ chi:ちチ ci:ᒋ cii:ᒌ co:ᒍ coo:ᒎ d:ᵭᶁⓓ dz:ǲ e:ΉΗήηᐁⓔ ' +
  'f:ᕝᵮᶂℲⅎⓕ fa:ᕙ faa:ᕚ fe:ᕓ fi:ᕕ fii:ᕖ fo:ᕗ foo:ᕘ g:ᵷᶃⓖ h:ⓗⱧⱨ i:Ййⓘ ia:Яя ie:Ѐѐ io:Ёё iu:Юю j:ⓙ k:ᶄKⓚⱩⱪ ' +
  'ke:ᑫ kh:ΧχХх ko:ᑯ koo:ᑰ ks:Ξ l:ᶅⓛⱠⱡⱢ le:ᓓ lo:ᓗ loo:ᓘ m:ᵯᶆⓜⱮ me:ᒣ mo:ᒧ moo:ᒨ n:ᵰᶇⓝ ne:ᓀ ngo:ᖑ ngoo:ᖒ no:ᓄ ' +
  'noo:ᓅ o:ᐅⓞ oo:ᐆ p:ᵱᵽᶈⓟⱣ pe:ᐯ ph:Φφ po:ᐳ poo:ᐴ q:ⓠ qo:ᖁ qoo:ᖂ r:ᵲᵳᶉⓡⱤ re:ᕃ ro:ᕈ roo:ᕉ s:ᵴᶊⓢ se:ᓭ shi:しシ ' +
  'so:ᓱ soo:ᓲ ss:ẞ t:ᵵⓣⱦ te:ᑌ to:ᑐ too:ᑑ ts:Цц tsu:っつッツ u:ΥΫΰυϋύⓤ v:ᶌⓥ w:ⓦ x:ᶍⓧ y:Ýᔾⓨ ya:ᔭ yaa:ᔮ ye:ᔦ yi:ᔨ ' +
  'yii:ᔩ yo:ᔪ yoo:ᔫ z:ᵶᶎⓩⱫⱬ'

const DIFFERENT: ReadonlyMap<string, string> = new Map(
  DIFFERENCES.split(' ').flatMap(group => {
    const colon = group.indexOf(':')
    const written = group.slice(0, colon).replace('=', '')
    return [...group.slice(colon + 1)].map(character => [character, written] as const)
  }),
)

/**
 * A text in ASCII, for slugs: each other character by what it sounds or looks like, as Argo CD's library has it, save
 * that letters may be small. A Chinese character is a word of its own; what lies beyond the first 65,536 characters,
 * such as emoji, is left out.
 */
export function transliterate(text: string): string {
  let result = ''
  for (const character of text) {
    if (character <= '\u007f') result += character
    else if (character.length === 1) result += transliterateCharacter(character)
  }
  return result
}

/** Letters of Latin that came to Unicode late are unknown to Argo CD's library. */
function transliterateCharacter(character: string): string {
  if (/[\ua720-\ua7ff]/.test(character)) return ''
  return DIFFERENT.get(character) ?? library(character) + (isIdeograph(character) ? ' ' : '')
}

function isIdeograph(character: string): boolean {
  return /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]/.test(character)
}

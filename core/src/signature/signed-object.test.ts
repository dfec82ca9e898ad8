import { describe, expect, test } from 'vitest'
import { isSeal, readSignedCommit, readSignedTag } from './signed-object.ts'
import { sshSigner, withSignature } from './testing/ssh-signer.ts'

const TREE = 'a'.repeat(40)
const PARENT = 'b'.repeat(40)
const PERSON = 'Ann Example <ann@example.com> 1760000000 +0200'
const COMMIT = `tree ${TREE}\nparent ${PARENT}\nauthor ${PERSON}\ncommitter ${PERSON}\n\nwork\n`
const TAG = `object ${TREE}\ntype commit\ntag v1\ntagger ${PERSON}\n\nrelease\n`
const ann = sshSigner('ann')
const PGP = '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n=AAAA\n-----END PGP SIGNATURE-----\n'

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
const read = (text: string) => readSignedCommit(bytes(text))

describe('a commit', () => {
  test('without a signature is its own payload', () => {
    expect(read(COMMIT)).toEqual({
      kind: 'object',
      object: { payload: bytes(COMMIT), parents: [PARENT], author: 'Ann Example <ann@example.com>', message: 'work\n' },
    })
  })

  test('is, without its signature, to the byte what was signed', () => {
    const found = read(withSignature(COMMIT, PGP))
    expect(found).toMatchObject({ kind: 'object', object: { signature: PGP.trimEnd() } })
    expect(found.kind === 'object' && Buffer.from(found.object.payload).toString()).toBe(COMMIT)
  })

  test('keeps bytes that are no UTF-8, and other headers, in what is signed', () => {
    const odd = Buffer.concat([
      bytes(`tree ${TREE}\nauthor Zo`),
      Buffer.from([0xeb]),
      bytes(
        ` ${PERSON}\ncommitter ${PERSON}\nencoding latin1\nmergetag object ${PARENT}\n type commit\n \n gpgsig no\n\nm`,
      ),
    ])
    const at = odd.indexOf('\nmergetag')
    const signed = Buffer.concat([
      odd.subarray(0, at + 1),
      bytes(`gpgsig ${PGP.trimEnd().replaceAll('\n', '\n ')}\n`),
      odd.subarray(at + 1),
    ])
    const found = readSignedCommit(signed)
    expect(found.kind === 'object' && Buffer.from(found.object.payload).equals(odd)).toBe(true)
  })

  const refused: Readonly<Record<string, string>> = {
    'with two signatures': withSignature(withSignature(COMMIT, PGP), PGP),
    'with two blocks in one signature': withSignature(COMMIT, `${PGP}${PGP}`),
    'with text before the block': withSignature(COMMIT, `trust me\n${PGP}`),
    'with text behind the block': withSignature(COMMIT, `${PGP}trust me\n`),
    'with a signature for another hash function': withSignature(COMMIT, PGP, 'gpgsig-sha256'),
    'with a second tree': COMMIT.replace('\n\n', `\ntree ${PARENT}\n\n`),
    'with a second author': COMMIT.replace('committer', `author Eve <e@x> 1 +0000\ncommitter`),
    'with a parent after its committer': COMMIT.replace('\n\n', `\nparent ${TREE}\n\n`),
    'with an abbreviated parent': COMMIT.replace(PARENT, 'bbbbbbb'),
    'that begins with a continued line': ` x\n${COMMIT}`,
    'with a zero byte in a header': COMMIT.replace('Ann', 'A\0n'),
    'without a committer': COMMIT.replace(/committer.*\n/, ''),
    'with a header without a value': COMMIT.replace('\n\n', '\ngpgsig\n\n'),
    'that is cut off': COMMIT.slice(0, 30),
    'that is empty': '',
    'with a signature as long as a book': withSignature(COMMIT, PGP.replace('AAAA\n', `${'AAAA\n'.repeat(20_000)}`)),
  }
  for (const [what, text] of Object.entries(refused)) {
    test(`${what} is refused`, () => {
      expect(read(text).kind).toBe('mistake')
    })
  }
})

describe('a tag', () => {
  test('is signed up to its signature', () => {
    const found = readSignedTag(bytes(TAG + ann.sign(bytes(TAG))))
    expect(found).toMatchObject({ kind: 'object', object: { target: { id: TREE, type: 'commit', name: 'v1' } } })
    expect(found.kind === 'object' && Buffer.from(found.object.payload).toString()).toBe(TAG)
  })

  test('with an older signature in its message is signed by the last one, which covers the older', () => {
    const quoted = `${TAG}${PGP}`
    const found = readSignedTag(bytes(quoted + ann.sign(bytes(quoted))))
    expect(found.kind === 'object' && Buffer.from(found.object.payload).toString()).toBe(quoted)
  })

  test('without a signature has none', () => {
    expect(readSignedTag(bytes(TAG))).toMatchObject({ kind: 'object', object: { message: 'release\n' } })
  })

  test('with text behind its signature, or headers of its own, is refused', () => {
    expect(readSignedTag(bytes(`${TAG}${PGP}more\n`)).kind).toBe('mistake')
    expect(readSignedTag(bytes(TAG.replace('\n\n', '\nobject x\n\n'))).kind).toBe('mistake')
    expect(readSignedTag(bytes(COMMIT)).kind).toBe('mistake')
  })
})

test('a seal is a trailer of the message, and nothing elsewhere', () => {
  expect(isSeal('review\n\nArgocd-gpg-seal: all of it was read\n')).toBe(true)
  expect(isSeal('review\n\nSigned-off-by: Ann\nFlotilla-seal: read\n')).toBe(true)
  expect(isSeal('Argocd-gpg-seal: only a subject\n')).toBe(false)
  expect(isSeal('review\n\nArgocd-gpg-seal: early\n\nand then this\n')).toBe(false)
  expect(isSeal('review\n\nArgocd-gpg-seal:\n')).toBe(false)
})

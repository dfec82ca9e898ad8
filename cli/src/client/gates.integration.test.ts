import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freezeDocument, HOUR_MS, hubWithGates, START } from '@flotilla/hub/gate-desk/testing/hub-with-gates'
import { afterEach, describe, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function opened(documents: { readonly [path: string]: string } = {}) {
  const made = await hubWithGates(documents)
  closing.push(() => made.stop())
  const server = http.createServer(made.app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => new Promise(resolve => server.close(resolve)))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const cwd = await mkdtemp(join(tmpdir(), 'flotilla-gates-'))
  closing.push(() => rm(cwd, { recursive: true }))
  const as = (who: keyof typeof made.tokens) => async (words: string, reason?: string) =>
    await runInProcess(
      [
        ...(words.startsWith('[') ? (JSON.parse(words) as string[]) : words.split(' ')),
        ...(reason === undefined ? [] : ['--reason', reason]),
        '--hub',
        url,
      ],
      {
        cwd,
        env: { FLOTILLA_TOKEN: made.tokens[who] },
      },
    )
  const write = (name: string, document: object) => writeFile(join(cwd, name), JSON.stringify(document))
  return { ...made, as, ana: as('ana'), ben: as('ben'), reader: as('reader'), admin: as('admin'), write, cwd }
}

const inGit = JSON.stringify(freezeDocument('year-end', -HOUR_MS, 20 * HOUR_MS, { timeZone: 'Europe/Berlin' }))

describe('flotilla freeze', () => {
  it('lists those of Git and those made here, with times in their zone', async () => {
    const { reader, ana, write } = await opened({ 'f.json': inGit })
    await write('stop.json', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS))
    expect((await ana('freeze create -f stop.json')).code).toBe(0)
    const { code, stdout } = await reader('freeze list')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^year-end +active +hard +2027-01-15 08:00 \+01:00 +2027-01-16 05:00 \+01:00 +Europe\/Berlin +platform f\.json:1 +closing$/m,
    )
    expect(stdout).toMatch(/^stop +scheduled +hard +2027-01-15 09:00 \+00:00 .* made by ana +closing$/m)
    expect((await reader('freeze list -o name')).stdout).toBe('year-end\nstop\n')
    expect(JSON.parse((await reader('freeze list -o json')).stdout)).toMatchObject({ total: 2 })
  })

  it('says so when there is none', async () => {
    const { reader } = await opened()
    const none = await reader('freeze list')
    expect([none.code, none.stderr]).toEqual([0, 'nothing is frozen, and no freeze is to come\n'])
    expect((await reader('freeze get none')).stderr).toContain('has no freeze "none"')
    expect((await reader('window list')).stderr).toContain('there is no window')
    expect((await reader('override list')).stderr).toBe('there is no override\n')
    expect((await reader('freeze calendar --imported')).stderr).toBe('hub.yaml imports no calendar\n')
  })

  it('now freezes at once and says how far it has got; -o yaml is a document for a config repository', async () => {
    const { ana, reader } = await opened()
    expect((await ana('freeze now', 'it burns')).stderr).toContain('it is not said what to freeze')
    const { code, stdout } = await ana('freeze now --all --for 4h --name stop', 'it burns')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^stop +active +hard +2027-01-15 08:00 \+00:00 +2027-01-15 12:00 \+00:00/m)
    expect(stdout).toContain(
      '2 Applications in 1 cluster; in force on 1 of 1 clusters, latest possible start 2027-01-15 08:01 +00:00',
    )
    const yaml = (await reader('freeze get stop -o yaml')).stdout
    expect(yaml).toContain('kind: FreezePeriod\n')
    expect(yaml).toContain('inFlight: pauseAtWave\n')
    const explained = await reader('window explain --app web-eu-1 --trigger manual')
    expect([explained.code, explained.stdout]).toEqual([
      1,
      expect.stringContaining('web-eu-1 is closed for manual starts at 2027-01-15 08:00 +00:00 (UTC)'),
    ])
    expect(explained.stdout).toMatch(/^freeze +FreezePeriod\/stop +FREEZE_HARD +2027-01-15 12:00 \+00:00 +it burns$/m)
  })

  it('end of one that holds waits for somebody else', async () => {
    const { ana, ben, reader } = await opened()
    await ana('freeze now --environment prod --app web-* --name stop', 'it burns')
    const asked = await ana('freeze end stop', 'it is out')
    expect(asked.code).toBe(1)
    const [, id] = /flotilla override approve (\S+)/.exec(asked.stderr) ?? []
    expect(asked.stdout).toMatch(new RegExp(`^${id} +Pending +end of freeze stop `, 'm'))
    const own = await ana(`override approve ${id}`)
    expect([own.code, own.stderr]).toEqual([3, expect.stringContaining('Somebody else has to approve this')])
    expect((await ben(`override approve ${id}`)).stdout).toMatch(/^\S+ +Used, review /m)
    expect((await reader('freeze get stop')).stdout).toMatch(/^stop +ended /m)
  })

  it('edit replaces what a file says, of the revision that is there', async () => {
    const { ana, reader, write } = await opened()
    await write('stop.json', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS, { announce: ['PT1H'] }))
    await ana('freeze create -f stop.json')
    await write('stop.json', freezeDocument('stop', HOUR_MS, 3 * HOUR_MS))
    expect((await ana('freeze edit stop -f stop.json', 'longer')).code).toBe(0)
    const { spec } = JSON.parse((await reader('freeze get stop -o json')).stdout).document
    expect([spec.announce, spec.when[0].until]).toEqual([undefined, new Date(START + 3 * HOUR_MS).toISOString()])
  })

  it('tells every mistake of a document, with its place', async () => {
    const { ana, write, reader } = await opened()
    await write('bad.json', freezeDocument('bad', -HOUR_MS, HOUR_MS))
    const bad = await ana('freeze create -f bad.json')
    expect(bad.code).toBe(1)
    expect(bad.stderr).toContain('/body/spec/when/0/from')
    expect(bad.stderr).toContain('hint: flotilla freeze now freezes at once')
    expect((await ana('freeze create -f none.json')).stderr).toContain('none.json cannot be read')
    await write('good.json', freezeDocument('good', HOUR_MS, 2 * HOUR_MS))
    expect((await reader('freeze create -f good.json')).code).toBe(3)
  })

  it('calendar prints an iCalendar', async () => {
    const { reader } = await opened({ 'f.json': inGit })
    const { stdout } = await reader('freeze calendar --kinds freezes')
    expect(stdout).toContain('SUMMARY:Freeze: FreezePeriod/year-end\r\nDESCRIPTION:closing\\nTimes of Europe/Berlin')
  })
})

describe('flotilla override', () => {
  it('request, approve, use and review', async () => {
    const { ana, ben, reader, wait } = await opened({ 'f.json': inGit })
    expect((await ana('override request --app web-*', 'INC-1')).stderr).toContain('give --for or --until')
    const asked = await ana('override request --app web-* --for 2h --max-uses 1 -o name', 'INC-1 payments')
    const id = asked.stdout.trim()
    expect((await ana(`override get ${id}`)).stdout).toContain('would have blocked:\n  FreezePeriod/year-end\n')
    expect((await reader('override list --state Pending')).stdout).toMatch(
      new RegExp(
        `^${id} +Pending +applications web-\\* +2027-01-15 10:00 \\+00:00 +0 of 1 +0 of 1 +ana +INC-1 payments$`,
        'm',
      ),
    )
    const approved = await ben(`override approve ${id} --comment go`)
    expect(approved.stdout).toContain('approved by ben at 2027-01-15 08:00 +00:00: go')
    expect((await reader('window explain --app web-eu-1 --trigger manual')).code).toBe(0)
    expect((await reader('window explain --app web-eu-1 --trigger auto')).code).toBe(1)
    await wait(2 * HOUR_MS + 2_000)
    expect((await reader('override list --review -o name')).stdout).toBe(`${id}\n`)
    expect((await ben(`override review ${id} --comment found`)).stdout).toContain('reviewed by ben at')
    expect((await reader('override list --review')).stderr).toBe('there is no override\n')
  })

  it('a wrong one is told why', async () => {
    const { ana } = await opened({ 'f.json': inGit })
    const wrong = await ana('override request --app web-* --for 9h', 'INC-1')
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining('FreezePeriod/year-end can be overridden for at most 4h'),
    ])
    expect((await ana('override revoke none')).stderr).toContain('has no override "none"')
    expect((await ana('override request --app web-* --for soon', 'x')).code).toBe(2)
  })
})

describe('flotilla window, of a hub', () => {
  it('timeline and simulate', async () => {
    const { reader, write } = await opened({ 'f.json': inGit })
    const line = await reader('window timeline --from 2027-01-15T08:00:00Z --to 2027-01-17T00:00:00Z')
    expect(line.stdout).toContain('checkout-eu-1, web-eu-1 (UTC)')
    expect(line.stdout).toMatch(/^2027-01-16 04:00 \+00:00 +2027-01-17 00:00 \+00:00 +open +open$/m)
    const berlin = await reader(
      'window timeline --app web-eu-1 --from 2027-01-15T09:00 --to 2027-01-17 --time-zone Europe/Berlin',
    )
    expect(berlin.stdout).toContain('2027-01-16 05:00 +01:00')
    expect((await reader('window timeline --from 2027-01-15T09:00 --to 2027-01-17')).code).toBe(2)
    await write('more.json', freezeDocument('more', 20 * HOUR_MS, 22 * HOUR_MS))
    const simulated = await reader('window simulate -f more.json --remove FreezePeriod/year-end')
    expect(simulated.stdout).toContain('this blocks nothing now')
    expect(simulated.stdout).toMatch(
      /^web-eu-1 +automated +closes +2027-01-16T04:00:00.000Z to 2027-01-16T06:00:00.000Z$/m,
    )
    expect((await reader('window simulate')).code).toBe(2)
    expect((await reader('window get none')).code).toBe(1)
  })

  it('a window is previewed, made, changed, and deleted by two', async () => {
    const { ana, ben, reader, write } = await opened()
    const spec = { kind: 'deny', schedule: '0 7 * * fri', duration: '4h', scope: { all: true }, description: 'market' }
    const document = { apiVersion: 'flotilla.dev/v1alpha1', kind: 'SyncWindow', metadata: { name: 'market' }, spec }
    await write('market.json', document)
    const preview = await ana('window create -f market.json --dry-run')
    expect(preview.stdout).toContain('this blocks 2 Applications in 1 cluster now')
    expect((await reader('window list')).stderr).toContain('there is no window')
    const made = await ana('window create -f market.json')
    expect(made.stdout).toMatch(/^market +active +deny .* made by ana +market$/m)
    expect(made.stdout).toContain('2 Applications in 1 cluster; in force on 1 of 1 clusters')
    expect((await reader('window get market -o yaml')).stdout).toContain('kind: SyncWindow\n')
    await write('market.json', { ...document, spec: { ...spec, duration: '6h' } })
    expect((await ana('window edit market -f market.json', 'longer')).code).toBe(0)
    expect((await reader('window get market -o json')).stdout).toContain('"duration": "6h"')
    const asked = await ana('window delete market', 'no market today')
    const id = /^(\S+) +Pending +end of window market /m.exec(asked.stdout)?.[1]
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining(`flotilla override approve ${id}`)])
    expect((await ana(`override approve ${id}`)).stderr).toContain('omebody else has to approve this')
    expect((await ben(`override approve ${id}`)).code).toBe(0)
    expect((await reader('window get market')).stdout).toMatch(/^market +ended /m)
  })
})

describe('flotilla audit', () => {
  it('lists, exports, and verifies an export without a hub', async () => {
    const { ana, admin, reader, cwd } = await opened()
    await ana('freeze now --all --name stop', 'it burns')
    const { stdout, stderr } = await admin('audit --action freeze.')
    expect(stdout).toMatch(/^\d+ +2027-01-15T08:00:00.000Z +ana +freeze.create +done +FreezePeriod\/stop +it burns$/m)
    const head = /head: entry \d+, (sha256:[0-9a-f]{64})/.exec(stderr)?.[1]
    expect((await reader('audit')).code).toBe(3)
    const exported = await admin('audit export')
    expect(exported.stderr).toMatch(/^head: \d+ sha256:/)
    await writeFile(join(cwd, 'audit.jsonl'), exported.stdout)
    const verify = (words: string) => runInProcess(['audit', 'verify', ...words.split(' ')], { cwd })
    const good = await verify(`audit.jsonl --head ${(await headOf(exported.stderr)) ?? ''}`)
    expect([good.code, good.stdout]).toEqual([0, expect.stringMatching(/^intact: \d+ entries, 1 to \d+, 2027-/)])
    expect((await verify('audit.jsonl')).stderr).toContain('cut off its end is known only with --head')
    expect(head).toBeDefined()

    const lines = exported.stdout.trimEnd().split('\n')
    const tampered: Record<string, readonly string[]> = {
      edited: lines.map((line, at) => (at === 1 ? line.replace(/"actor":"\w+"/, '"actor":"eve"') : line)),
      missing: lines.filter((_, at) => at !== 1),
      order: [lines[1]!, lines[0]!, ...lines.slice(2)],
      head: lines.slice(0, -1),
    }
    for (const [kind, changed] of Object.entries(tampered)) {
      await writeFile(join(cwd, 'tampered.jsonl'), changed.join('\n'))
      const bad = await verify(`tampered.jsonl --head ${(await headOf(exported.stderr)) ?? ''} -o json`)
      expect([bad.code, JSON.parse(bad.stdout).mistakes.map((each: { kind: string }) => each.kind)]).toEqual([
        1,
        expect.arrayContaining([kind]),
      ])
    }
    await writeFile(join(cwd, 'part.jsonl'), (await admin('audit export --after 2')).stdout)
    expect([(await verify('part.jsonl')).code, (await verify('part.jsonl --part')).code]).toEqual([1, 0])
    expect((await verify('none.jsonl')).code).toBe(1)
    expect((await verify('part.jsonl --head x')).code).toBe(2)
  })
})

async function headOf(text: string): Promise<string | undefined> {
  return /sha256:[0-9a-f]{64}/.exec(text)?.[0]
}

describe('the commands of the pages', () => {
  const commandsOf = (page: string): readonly (readonly string[])[] => {
    const text = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)
    const lines = blocks.flatMap(block => block.split('\n')).filter(line => line.startsWith('flotilla '))
    return lines.map(line => wordsOf(line.replace(/^flotilla /, '').replace(/ > \S+$/, '')))
  }

  it('are taken, in their order, and do what the page says', async () => {
    const { as, write, cwd } = await opened()
    const year = freezeDocument('year-end', 100 * HOUR_MS, 200 * HOUR_MS)
    await write('year-end.yaml', year)
    const nights = { kind: 'deny', schedule: '0 22 * * *', duration: '8h', scope: { all: true } }
    const window = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'SyncWindow',
      metadata: { name: 'nights' },
      spec: nights,
    }
    await write('nights.yaml', window)
    await write('market-days.yaml', { ...window, metadata: { name: 'market-days' } })
    const ids = { override: '', token: '', sync: '' }
    const commands = [...commandsOf('freezing.md'), ...commandsOf('audit.md')]
    expect(commands.length).toBeGreaterThan(20)
    const seen: string[] = []
    for (const words of commands) {
      const [noun, verb] = words
      const actor =
        noun === 'token' || noun === 'audit' ? 'admin' : verb === 'approve' || verb === 'review' ? 'ben' : 'ana'
      const given = words
        .map(word =>
          word === '$ID' ? ids.override : word === '$TOKEN' ? ids.token : word === '$SYNC' ? ids.sync : word,
        )
        .map(word => (word === 'SyncWindow/old-nights' ? 'FreezePeriod/payments' : word))
        .map(word => (word === 'checkout' ? (noun === 'app' ? 'checkout-eu-1' : 'checkout-*') : word))
      if (verb === 'verify') {
        const exported = await as('admin')('audit export')
        await writeFile(join(cwd, 'audit.jsonl'), exported.stdout)
        given[given.indexOf('$HEAD')] = (await headOf(exported.stderr))!
      }
      const { code, stdout, stderr } = await as(actor)(JSON.stringify(given))
      seen.push(`${noun} ${verb?.startsWith('-') ? '' : verb} ${code}`)
      expect([words.join(' '), code === 2 || code === 3 ? stderr : '']).toEqual([words.join(' '), ''])
      const id = /^([0-9a-f-]{36}) /m.exec(stdout)?.[1]
      if (noun === 'app') ids.sync = id ?? ids.sync
      else ids.override = id ?? ids.override
      if (noun === 'token' && verb === 'create') ids.token = /token (\S+) of/.exec(stderr)![1]!
    }
    // The freeze of the page is not active here, so that its end waits for nobody and there is nothing to approve.
    expect(seen.filter(each => !each.endsWith(' 0'))).toEqual(['override approve 1'])
  })
})

/** Words as a shell takes them. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

describe('flotilla app, at a time', () => {
  it('schedule, scheduled and unschedule', async () => {
    const { ana, reader, wait } = await opened({ 'f.json': inGit })
    const made = await ana('app schedule web-eu-1 --at 2027-01-15T09:00:00Z --until +4h -o name', 'at nine')
    const id = made.stdout.trim()
    expect((await reader('app scheduled')).stdout).toMatch(
      new RegExp(
        `^${id} +web-eu-1 +waiting +2027-01-15 09:00 \\+00:00 +2027-01-15 12:00 \\+00:00 +ana +waits for 2027-01-15T09`,
        'm',
      ),
    )
    await wait(HOUR_MS + 2_000)
    expect((await reader('app scheduled --state waiting')).stdout).toContain('waits for FreezePeriod/year-end')
    expect((await reader(`app unschedule ${id}`)).code).toBe(3)
    expect((await ana(`app unschedule ${id}`, 'by hand')).stdout).toContain('cancelled by ana: by hand')
    const late = await ana(`app unschedule ${id}`)
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('It is cancelled')])
    expect((await reader('app scheduled web-eu-1 --state waiting')).stderr).toBe('nothing is scheduled\n')
    expect((await ana('app schedule none --at +1h')).stderr).toContain('has no Application "none"')
    expect((await ana('app schedule web-eu-1 --at soon')).code).toBe(2)
  })
})

describe('flotilla token', () => {
  it('makes tokens of people and of programs, and takes them back', async () => {
    const { admin, reader } = await opened()
    const made = await admin('token create --name zoe@example.com --person --role admin -o json')
    const { id, token, kind, madeBy } = JSON.parse(made.stdout)
    expect([kind, madeBy]).toEqual(['person', 'admin'])
    expect((await admin('token list')).stdout).toMatch(
      new RegExp(`^${id} +zoe@example.com +admin +person +admin `, 'm'),
    )
    expect((await admin('token list')).stdout).not.toContain(token.split('.')[1])
    expect((await reader('token list')).code).toBe(0)
    expect((await reader(`token revoke ${id}`)).code).toBe(3)
    expect((await admin(`token revoke ${id}`)).stdout).toBe(`revoked ${id} of zoe@example.com\n`)
    expect((await admin(`token revoke ${id}`)).code).toBe(1)
  })
})

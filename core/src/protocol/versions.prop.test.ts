import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commonVersion, parseVersions, type ServedVersions, serviceFor, versionText } from './versions.ts'

const range = fc
  .record({ min: fc.integer({ min: 1, max: 9 }), more: fc.nat(9) })
  .map(({ min, more }) => ({ min, max: min + more }))
const served: fc.Arbitrary<ServedVersions> = fc
  .record({ range, older: fc.nat(9) })
  .map(({ range: own, older }) => ({ ...own, upgradeFrom: Math.max(1, own.min - older) }))

describe('versions', () => {
  test('are read as they were written, and other texts are none', () => {
    fc.assert(
      fc.property(range, own => {
        expect(parseVersions(versionText(own))).toEqual(own)
      }),
    )
    fc.assert(
      fc.property(fc.string(), text => {
        const read = parseVersions(text)
        if (read) expect(read.min <= read.max && /^\d+-\d+$/.test(text)).toBe(true)
      }),
    )
  })

  test('in common are the highest that both speak, whoever asks', () => {
    fc.assert(
      fc.property(range, range, (ours, theirs) => {
        const both = Array.from({ length: 20 }, (_, version) => version).filter(
          version => version >= ours.min && version <= ours.max && version >= theirs.min && version <= theirs.max,
        )
        expect(commonVersion(ours, theirs)).toBe(both.at(-1))
        expect(commonVersion(theirs, ours)).toBe(both.at(-1))
      }),
    )
  })

  test('decide on the service: whole where one is common, the upgrade alone for what is older, nothing for what is newer', () => {
    fc.assert(
      fc.property(served, range, (hub, agent) => {
        const service = serviceFor(hub, versionText(agent))
        const common = commonVersion(hub, agent)
        if (common !== undefined) expect(service).toEqual({ kind: 'full', version: common })
        else expect(service.kind).toBe(agent.max < hub.min && agent.max >= hub.upgradeFrom ? 'upgrade' : 'none')
        if (service.kind !== 'none') expect(service.version).toBeLessThanOrEqual(agent.max)
      }),
    )
  })
})

import { z } from 'zod'

const time = z.iso.datetime()

export const recoveryStateSchema = z.enum(['settled', 'behind', 'recovered']).meta({
  description: '`behind`: STORE_BEHIND, nothing is issued. `recovered`: no automated sync before it is acknowledged.',
})

export const recoverySchema = z
  .strictObject({
    state: recoveryStateSchema,
    since: time.nullable(),
    reason: z.enum(['empty', 'restored', 'proved', 'admitted']).nullable(),
    evidence: z
      .strictObject({
        cluster: z.string(),
        clusterName: z.string().optional(),
        shown: z.string(),
        known: z.string(),
      })
      .nullable()
      .meta({ description: 'What an agent has shown that the store does not have.' }),
    epoch: z.int().nullable(),
    by: z.string().nullable(),
    progress: z
      .strictObject({ total: z.int(), unproved: z.array(z.string()), unreported: z.array(z.string()) })
      .meta({ description: 'Clusters that have not shown what they hold, or not reported, since the recovery.' }),
    list: z
      .strictObject({
        clusters: z.array(
          z.strictObject({
            name: z.string(),
            id: z.string(),
            admission: z.int(),
            key: z.string().optional().meta({ description: "Thumbprint of the agent's key." }),
            uid: z.string().optional(),
            joinedAt: time.optional(),
            revoked: z.boolean(),
            applications: z.int(),
          }),
        ),
        interventions: z.array(
          z.strictObject({
            kind: z.string(),
            name: z.string(),
            state: z.string(),
            by: z.string().optional(),
            reason: z.string().optional(),
            until: time.optional(),
          }),
        ),
        digest: z.string(),
      })
      .meta({ description: 'What is acknowledged: as the store remembers it.' }),
  })
  .meta({ id: 'Recovery' })

export const recoveredSchema = z
  .strictObject({
    epoch: z.int(),
    clusters: z.int(),
    joinTokens: z.int(),
    tombstones: z.int(),
    grants: z.int(),
  })
  .meta({ id: 'Recovered', description: 'The new epoch, and how many join tokens, Tombstones and Grants are void.' })

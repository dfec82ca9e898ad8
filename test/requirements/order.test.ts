import { OPTIONS } from '@flotilla/agents/testing/documents'
import { expect } from 'vitest'
import { configMap, definition, deployment, hookJob, object, wave } from './objects.ts'
import { requirements } from './requirement.ts'

requirements('order', requirement => {
  requirement(1, 'the worked example is applied in its order, and pruned in reverse', async bench => {
    const group = `one.g${bench.number}.example`
    const inner = `${bench.namespace}-x`
    const objects = [
      deployment('web'),
      definition('Foo', group),
      object(`${group}/v1`, 'Foo', 'a', { metadata: wave('-1') }),
      hookJob('migrate', 'PreSync', { namespace: inner }),
      object('v1', 'Namespace', inner),
      configMap('c'),
    ]
    await bench.start()
    const { results } = await bench.succeeded(bench.sync(objects))
    // What was moved before what needs it says from where.
    const moved = results.filter(({ message }) => message?.startsWith('before what needs it'))
    expect(moved.map(({ key, message }) => `${key.kind} ${message}`).sort()).toEqual([
      'CustomResourceDefinition before what needs it, from Sync/0',
      'Namespace before what needs it, from Sync/0',
    ])
    const order = bench
      .writesOf()
      .filter(write => write.startsWith('apply') && !write.includes(`namespaces ${bench.namespace}/`))
    expect(order.filter(write => write !== `apply namespaces ${bench.namespace}`)).toEqual([
      `apply namespaces ${inner}`,
      `apply jobs ${inner}/migrate`,
      `apply customresourcedefinitions foos.${group}`,
      `apply foos ${bench.namespace}/a`,
      `apply configmaps ${bench.namespace}/c`,
      `apply deployments ${bench.namespace}/web`,
    ])
    bench.writes.length = 0
    const offer = bench.offer([], { options: { ...OPTIONS, allowEmpty: true } })
    const grant = bench.hub.grant(offer, { trigger: 'manual' })
    bench.hub.link.changed()
    await bench.succeeded(grant)
    // A deletion that lost a race with a controller is asked for again.
    const deletions = [...new Set(bench.writesOf().filter(write => write.startsWith('delete')))]
    expect(deletions).toEqual([
      `delete deployments ${bench.namespace}/web`,
      `delete configmaps ${bench.namespace}/c`,
      `delete namespaces ${inner}`,
      `delete foos ${bench.namespace}/a`,
      `delete customresourcedefinitions foos.${group}`,
    ])
  })

  requirement(2, 'a definition and its object sync in one Application, with no options', async bench => {
    const group = `two.g${bench.number}.example`
    await bench.start()
    await bench.succeeded(
      bench.sync([object(`${group}/v1`, 'Foo', 'a', { spec: { size: 1 } }), definition('Foo', group)]),
    )
    expect((await bench.read('Foo', 'a', group))?.['spec']).toEqual({ size: 1 })
  })

  requirement(3, 'a hook runs in a Namespace of the same Application', async bench => {
    const inner = `${bench.namespace}-x`
    await bench.start()
    await bench.succeeded(
      bench.sync([object('v1', 'Namespace', inner), hookJob('migrate', 'PreSync', { namespace: inner })]),
    )
    expect(
      bench
        .writesOf(['namespaces', 'jobs'])
        .filter(write => write.includes(inner))
        .slice(0, 2),
    ).toEqual([`apply namespaces ${inner}`, `apply jobs ${inner}/migrate`])
  })

  requirement(4, 'definitions of one kind in two groups each come before their own objects', async bench => {
    const groups = [`a.g${bench.number}.example`, `b.g${bench.number}.example`]
    await bench.start()
    await bench.succeeded(
      bench.sync([
        object(`${groups[1]}/v1`, 'Foo', 'of-b', { metadata: wave('-1') }),
        object(`${groups[0]}/v1`, 'Foo', 'of-a', { metadata: wave('1') }),
        ...groups.map(group => definition('Foo', group)),
      ]),
    )
    expect(bench.writesOf(['customresourcedefinitions', 'foos']).filter(write => write.startsWith('apply'))).toEqual([
      `apply customresourcedefinitions foos.${groups[1]}`,
      `apply foos ${bench.namespace}/of-b`,
      `apply customresourcedefinitions foos.${groups[0]}`,
      `apply foos ${bench.namespace}/of-a`,
    ])
  })

  requirement(5, 'prunes of waves -1, 0 and 5 run mirrored, and PruneLast after all', async bench => {
    const last = { annotations: { 'argocd.argoproj.io/sync-options': 'PruneLast=true' } }
    const kept = [configMap('kept-early', {}, wave('-1')), configMap('kept'), configMap('kept-late', {}, wave('5'))]
    await bench.start()
    await bench.succeeded(
      bench.sync([
        ...kept,
        configMap('early', {}, wave('-1')),
        configMap('middle'),
        configMap('late', {}, wave('5')),
        configMap('very-last', {}, last),
      ]),
    )
    bench.writes.length = 0
    const offer = bench.offer(
      kept.map(({ metadata }) => ({ ...configMap(metadata.name ?? '', { changed: 'yes' }), metadata })),
    )
    const grant = bench.hub.grant(offer, { trigger: 'manual' })
    bench.hub.link.changed()
    await bench.succeeded(grant)
    const name = (write: string) => write.replace(`configmaps ${bench.namespace}/`, '')
    expect(bench.writesOf(['configmaps']).map(name)).toEqual([
      'delete late',
      'apply kept-early',
      'delete middle',
      'apply kept',
      'delete early',
      'apply kept-late',
      'delete very-last',
    ])
  })
})

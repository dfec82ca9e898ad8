import { isomorphicBackend } from '../isomorphic-backend.ts'
import { nativeBackend } from '../native-backend.ts'

/* Run by a test that kills it: fetches a repository until there is nobody to fetch for. */

const [name, url = '', directory = ''] = process.argv.slice(2)
const backend = name === 'native' ? nativeBackend({ maxPacks: 3 }) : isomorphicBackend({ maxPacks: 3 })
const repository = await backend.open(url, directory)
process.stdout.write('ready\n')
for (;;) await repository.fetch().catch(() => undefined)

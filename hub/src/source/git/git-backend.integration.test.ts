import { describeGitBackend, type Transport } from './git-backend.conformance.ts'
import { isomorphicBackend } from './isomorphic-backend.ts'
import { nativeBackend } from './native-backend.ts'
import { HttpGitServer } from './testing/http-git-server.ts'
import { makeSshKey, SshGitServer } from './testing/ssh-git-server.ts'

const local: Transport = {
  name: 'a local bare repository',
  start: async root => ({ url: name => `${root}/${name}`, stop: async () => undefined }),
}

const http: Transport = {
  name: 'http with a password',
  start: async root => {
    const auth = { username: 'ann', password: 'p@ss: "w\\o$rd' }
    const server = await HttpGitServer.start({ root, auth })
    return { url: name => server.url(name), credentials: auth, stop: () => server.close() }
  },
}

const key = makeSshKey()
const ssh: Transport = {
  name: 'ssh',
  start: async root => {
    const server = await SshGitServer.start(root, key)
    const credentials = { sshPrivateKey: key.privateKey, sshKnownHosts: server.knownHosts }
    return { url: name => server.url(name), credentials, stop: () => server.close() }
  },
}

const inPlace = 'a local repository is read in place: there is no mirror'
const localSkips = {
  'what was fetched is there after a restart, without the server': inPlace,
  'a mirror with damaged packs says so and is made anew by the next fetch': inPlace,
  'a fetch cut off by a crash is as if it had not been': inPlace,
  'locks that a killed process left do not stop the next fetch': inPlace,
}

for (const backend of [isomorphicBackend({ maxPacks: 5 }), nativeBackend({ maxPacks: 5 })]) {
  describeGitBackend({ backend, transport: local, skips: localSkips })
  describeGitBackend({ backend, transport: http })
}
describeGitBackend({ backend: nativeBackend(), transport: ssh })

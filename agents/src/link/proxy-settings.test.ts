import { describe, expect, test } from 'vitest'
import { type Environment, proxyFor } from './proxy-settings.ts'

const hub = 'https://hub.prod.example.com'
const cases: Record<string, [string, Environment, string | undefined]> = {
  'no variable, no proxy': [hub, {}, undefined],
  'HTTPS_PROXY is for https': [hub, { HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
  'small letters mean the same': [hub, { https_proxy: 'http://proxy:3128' }, 'http://proxy:3128/'],
  'HTTP_PROXY is not for https': [hub, { HTTP_PROXY: 'http://proxy:3128' }, undefined],
  'HTTP_PROXY is for http': ['http://hub.lan', { HTTP_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
  'ALL_PROXY is for the rest': [hub, { ALL_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
  'a proxy without a scheme is http': [hub, { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
  'an empty variable is none': [hub, { HTTPS_PROXY: '' }, undefined],
  'NO_PROXY * is for all': [hub, { HTTPS_PROXY: 'http://p', NO_PROXY: '*' }, undefined],
  'NO_PROXY names a domain and all below it': [
    hub,
    { HTTPS_PROXY: 'http://p', NO_PROXY: 'a.b, example.com' },
    undefined,
  ],
  'with a leading dot': [hub, { HTTPS_PROXY: 'http://p', no_proxy: '.example.com' }, undefined],
  'with a star': [hub, { HTTPS_PROXY: 'http://p', no_proxy: '*.example.com' }, undefined],
  'not a part of a name': [hub, { HTTPS_PROXY: 'http://p', no_proxy: 'ample.com' }, 'http://p/'],
  'for one port': [`${hub}:8443`, { HTTPS_PROXY: 'http://p', no_proxy: 'example.com:8443' }, undefined],
  'not for another port': [hub, { HTTPS_PROXY: 'http://p', no_proxy: 'example.com:8443' }, 'http://p/'],
  'an address': ['https://10.1.2.3', { HTTPS_PROXY: 'http://p', no_proxy: '10.1.2.3' }, undefined],
  'a network': ['https://10.1.2.3', { HTTPS_PROXY: 'http://p', no_proxy: '10.0.0.0/8' }, undefined],
  'another network': ['https://11.1.2.3', { HTTPS_PROXY: 'http://p', no_proxy: '10.0.0.0/8' }, 'http://p/'],
  'an IPv6 address': ['https://[fd00::1]:8443', { HTTPS_PROXY: 'http://p', no_proxy: 'fd00::1' }, undefined],
  'an IPv6 network': ['https://[fd00::1]', { HTTPS_PROXY: 'http://p', no_proxy: 'fd00::/8' }, undefined],
  'nonsense is passed over': [hub, { HTTPS_PROXY: 'http://p', no_proxy: '10.0.0.0/99,/,:,::/x,[]' }, 'http://p/'],
}

describe('the proxy for a hub', () => {
  for (const [sentence, [url, environment, proxy]] of Object.entries(cases)) {
    test(sentence, () => expect(proxyFor(new URL(url), environment)?.href).toBe(proxy))
  }
})

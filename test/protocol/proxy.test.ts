import { describe, expect, test } from 'vitest';
import { proxyFor } from '../../src/protocol/proxy.ts';

const proxy = 'http://proxy.example:3128';
const server = new URL('https://control.example/');

/** The address of the proxy, or null. */
const chosen = (url: URL, proxyUri: string | null, env: Record<string, string>) =>
  proxyFor(url, proxyUri, env)?.href ?? null;

describe('the proxy is', () => {
  test.each<[string, string | null, Record<string, string>, string, string | null]>([
    ['none when none is named', null, {}, 'https://control.example/', null],
    [
      'the configured one',
      proxy,
      { https_proxy: 'http://other' },
      'https://control.example/',
      'http://proxy.example:3128/',
    ],
    [
      'that of the scheme',
      null,
      { https_proxy: 'http://s', http_proxy: 'http://p' },
      'https://control.example/',
      'http://s/',
    ],
    [
      'that of the scheme',
      null,
      { https_proxy: 'http://s', http_proxy: 'http://p' },
      'http://control.example/',
      'http://p/',
    ],
    ['the one for all', null, { all_proxy: 'http://a' }, 'http://control.example/', 'http://a/'],
    [
      'the name in lower case first',
      null,
      { HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' },
      'https://control.example/',
      'http://lower/',
    ],
    ['the name in capitals, too', null, { HTTPS_PROXY: 'http://upper' }, 'https://control.example/', 'http://upper/'],
    [
      'an address without a scheme',
      null,
      { https_proxy: 'proxy.example:3128' },
      'https://control.example/',
      'http://proxy.example:3128/',
    ],
    ['none for this machine', proxy, {}, 'http://127.0.0.1:8080/', null],
    ['none for this machine', proxy, {}, 'http://localhost/', null],
    ['none for this machine', proxy, {}, 'http://[::1]:8080/', null],
  ])('%s', (_, proxyUri, env, url, expected) => {
    expect(chosen(new URL(url), proxyUri, env)).toBe(expected);
  });
});

describe('no_proxy', () => {
  test.each([
    ['*', 'https://control.example/', true],
    ['control.example', 'https://control.example/', true],
    ['CONTROL.example', 'https://control.example/', true],
    ['example', 'https://control.example/', true],
    ['.example', 'https://control.example/', true],
    ['*.example', 'https://control.example/', true],
    ['other, control.example', 'https://control.example/', true],
    ['other control.example', 'https://control.example/', true],
    ['control.example:443', 'https://control.example/', true],
    ['control.example:8443', 'https://control.example:8443/', true],
    ['control.example:8443', 'https://control.example/', false],
    ['trol.example', 'https://control.example/', false],
    ['', 'https://control.example/', false],
    ['10.1.2.3', 'http://10.1.2.3:8080/', true],
    ['2.3', 'http://10.1.2.3:8080/', false],
    ['10.0.0.0/8', 'http://10.1.2.3/', true],
    ['10.0.0.0/8', 'http://11.1.2.3/', false],
    ['10.0.0.0/99', 'http://10.1.2.3/', false],
    ['10.0.0.0/8', 'http://control.example/', false],
    ['fd00::/8', 'http://[fd00::17]:8080/', true],
    ['[fd00::17]:8080', 'http://[fd00::17]:8080/', true],
    ['fd00::17', 'http://[fd00::17]:8080/', true],
    ['fd00::/8', 'http://10.1.2.3/', false],
  ])('%j exempts %s: %s', (noProxy, url, exempt) => {
    expect(chosen(new URL(url), proxy, { no_proxy: noProxy })).toBe(exempt ? null : 'http://proxy.example:3128/');
  });
});

test.each([
  ['proxy_uri', 'socks5://user:hunter2@proxy.example', {}],
  ['proxy_uri', 'http://', {}],
  ['https_proxy', null, { https_proxy: 'ftp://user:hunter2@proxy.example' }],
  ['all_proxy', null, { ALL_PROXY: 'http://user:hunter2@[' }],
])('a proxy in %s that cannot be one is refused without showing its password', (name, proxyUri, env) => {
  expect(() => proxyFor(server, proxyUri, env)).toThrow(
    expect.objectContaining({
      code: 'SERVER_ADDRESS_INVALID',
      message: expect.not.stringContaining('hunter2'),
    }),
  );
  expect(() => proxyFor(server, proxyUri, env)).toThrow(name);
});

/** Advice for a server that cannot be reached: by the words of the network, and by the place where the address or the proxy is written. */
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createAwsJsonClient } from '../../src/protocol/aws-json-client.ts';
import { remedyForNetwork } from '../../src/protocol/unreachable.ts';
import { systemClock } from '../../src/system/clock.ts';
import { answeringServer } from '../support/http-server.ts';

async function faultOf(endpoint: string, env: Readonly<Record<string, string>> = {}) {
  const client = createAwsJsonClient({
    endpoint,
    region: 'us-east-1',
    signingName: 'codedeploy',
    credentials: async () => ({ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' }),
    clock: systemClock,
    readTimeoutMs: 10_000,
    proxyUri: null,
    proxyEnvironment: env,
  });
  const error: unknown = await client.call('Api.Op', {}).catch((thrown: unknown) => thrown);
  const { code = '', message = '', remedy = '' } = error as { code?: string; message?: string; remedy?: string };
  return { code, message, remedy };
}

/** Answers each connection with a text, and ends it. */
async function saying(text: string) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('The remedy fits', () => {
  test('a port where nothing listens', async () => {
    const gone = await saying('');
    await gone[Symbol.asyncDispose]();
    const { remedy } = await faultOf(`http://127.0.0.1:${gone.port}`);
    expect(remedy).toMatch(/Nothing listens there/);
  });

  test('a name that no name server knows', async () => {
    const { remedy } = await faultOf('http://no-such-name.invalid');
    expect(remedy).toMatch(/Make no-such-name\.invalid resolvable|No name server answers/);
  });

  test('something else than HTTP behind the port', async () => {
    await using ssh = await saying('SSH-2.0-OpenSSH_9.9\r\n');
    expect((await faultOf(`http://127.0.0.1:${ssh.port}`)).remedy).toMatch(/does not speak HTTP: correct the port/);
  });

  test('a server that hangs up on http', async () => {
    await using closing = await saying('');
    expect((await faultOf(`http://127.0.0.1:${closing.port}`)).remedy).toMatch(/write https:\/\//);
  });

  test('a web page in place of an answer', async () => {
    await using site = await answeringServer(() => ({ body: '<html>Welcome</html>' }));
    const { code, message } = await faultOf(site.url);
    expect({ code, message }).toEqual({
      code: 'SERVER_ANSWER_INVALID',
      message: expect.stringContaining('a web page'),
    });
  });

  test.each([
    ['wants a password', 407, /wants a name and a password: write http:\/\/USER:PASSWORD@HOST:PORT in proxy_uri, or/],
    ['forbids the way', 403, /Have the proxy allow CONNECT to 192\.0\.2\.1:8400; or name 192\.0\.2\.1 in no_proxy/],
  ])('a proxy that %s', async (_, status, words) => {
    await using proxy = await saying(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const { message, remedy } = await faultOf('http://192.0.2.1:8400', {
      http_proxy: `http://127.0.0.1:${proxy.port}`,
    });
    expect(message).toContain(`the proxy 127.0.0.1:${proxy.port} refuses to connect to it (HTTP ${status})`);
    expect(remedy).toMatch(words);
  });

  test('a proxy that is down, whose address is not taken for the server’s', async () => {
    const gone = await saying('');
    await gone[Symbol.asyncDispose]();
    const { message, remedy } = await faultOf('https://192.0.2.1', { https_proxy: `http://127.0.0.1:${gone.port}` });
    expect(message).toContain(`https://192.0.2.1 cannot be reached through the proxy 127.0.0.1:${gone.port}: `);
    expect(remedy).toMatch(/Look whether the proxy .* runs .* or correct proxy_uri/);
  });

  test('a proxy whose name nobody knows', async () => {
    const { remedy } = await faultOf('https://192.0.2.1', { https_proxy: 'http://no-such-proxy.invalid:3128' });
    expect(remedy).toMatch(/Make no-such-proxy\.invalid resolvable.*or correct proxy_uri|No name server answers/);
  });

  test.each([
    ['CERT_HAS_EXPIRED', /has ended: renew it there/],
    ['CERT_NOT_YET_VALID', /this machine’s clock is behind/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for other names: write one of those in the address, or/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /`ca_file` in the agent’s configuration, `--ca-file`/],
    ['ETIMEDOUT', /Nothing answers\. Check firewalls/],
    ['EAI_AGAIN', /No name server answers/],
  ])('the fault %s', (code, words) => {
    const cause = Object.assign(new Error(code), { code });
    const way = { url: new URL('https://server.example:8400'), proxy: null, where: 'the address' };
    expect(remedyForNetwork(cause, code, way)).toMatch(words);
  });
});

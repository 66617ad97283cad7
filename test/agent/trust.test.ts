import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { checkEndpointTls } from '../../src/agent/tls-check.ts';
import { readAuthorities, trustAuthorities } from '../../src/system/trust.ts';
import { collectingLogger } from '../support/deployment.ts';
import { answeringServer } from '../support/http-server.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';

/** A certificate for this machine that is its own authority, made by openssl. */
async function makeCertificate(scratch: ScratchFolder): Promise<{ certFile: string; cert: string; key: string }> {
  const [certFile, keyFile] = [scratch.at('cert.pem'), scratch.at('key.pem')];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...files]);
  return { certFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

/** A server that knows nothing, with a certificate that nobody knows. */
async function privateServer(scratch: ScratchFolder) {
  const { certFile, cert, key } = await makeCertificate(scratch);
  const server = createServer({ cert, key }, (_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    certFile,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('trust', () => {
  test.each(['SSL_CERT_FILE', 'AWS_CA_BUNDLE', 'AWS_SSL_CA_BUNDLE', 'AWS_SSL_CA_DIRECTORY'])(
    'authorities come from %s',
    async (variable) => {
      using scratch = scratchFolder();
      const { cert, certFile } = await makeCertificate(scratch);
      mkdirSync(scratch.at('folder'));
      writeFileSync(scratch.at('folder', 'one.pem'), `${cert}\n${cert}`);
      writeFileSync(scratch.at('folder', 'notes.txt'), 'nothing');
      const isFolder = variable.endsWith('DIRECTORY');
      const found = readAuthorities({ [variable]: isFolder ? scratch.at('folder') : certFile });
      expect(found).toEqual(Array(isFolder ? 2 : 1).fill(cert.trim()));
      expect(() => readAuthorities({ [variable]: '/nonexistent/ca' })).toThrow(`${variable} names /nonexistent/ca`);
    },
  );

  test('a start ends when the endpoint’s certificate does not verify', async () => {
    using scratch = scratchFolder();
    await using server = await privateServer(scratch);
    const log = collectingLogger();
    await expect(checkEndpointTls(new URL(server.url), null, log)).rejects.toMatchObject({
      code: 'AGENT_TLS_REFUSED',
      message: `${server.url}: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)`,
    });
    await trustAuthorities({ SSL_CERT_FILE: server.certFile });
    await checkEndpointTls(new URL(server.url), null, log);
    expect(log.lines).toEqual([]);
  });

  test('a command trusts whom the environment names, and says how when it does not', async () => {
    using scratch = scratchFolder();
    await using server = await privateServer(scratch);
    const list = (env: NodeJS.ProcessEnv) =>
      runSlipway(['applications', 'list', '--endpoint-url', server.url], {
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        ...env,
      });
    const refused = await list({});
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('self-signed certificate [SERVER_') });
    expect(refused.stderr).toContain('to do: Have SSL_CERT_FILE');
    expect(await list({ SSL_CERT_FILE: server.certFile })).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('the server answered HTTP 404'),
    });
  });

  test('a start ends when what answers does not speak TLS, in words and not in OpenSSL’s', async () => {
    await using server = await answeringServer(() => ({}));
    const endpoint = new URL(server.url.replace('http:', 'https:'));
    await expect(checkEndpointTls(endpoint, null, collectingLogger())).rejects.toMatchObject({
      code: 'AGENT_TLS_REFUSED',
      message: `${endpoint.origin}: what answers there does not speak TLS (EPROTO)`,
      remedy: expect.stringContaining('http://'),
    });
  });

  test('an endpoint that is away is said, and the start goes on', async () => {
    const log = collectingLogger();
    await checkEndpointTls(new URL('https://127.0.0.1:9'), null, log);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'the control endpoint cannot be reached yet' }]);
  });
});

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

/** A certificate for this machine that is its own authority, made by openssl. */
async function makeCertificate(scratch: ScratchFolder): Promise<{ certFile: string; cert: string; key: string }> {
  const [certFile, keyFile] = [scratch.at('cert.pem'), scratch.at('key.pem')];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...files]);
  return { certFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
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
    const { certFile, cert, key } = await makeCertificate(scratch);
    const server = createServer({ cert, key }, (_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const endpoint = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const log = collectingLogger();
      await expect(checkEndpointTls(endpoint, null, log)).rejects.toMatchObject({ code: 'AGENT_TLS_REFUSED' });
      await trustAuthorities({ SSL_CERT_FILE: certFile });
      await checkEndpointTls(endpoint, null, log);
      expect(log.lines).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
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

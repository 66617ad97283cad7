import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { checkEndpointTls } from '../../src/agent/tls-check.ts';
import { createNarrowTrust, readAuthorities } from '../../src/system/trust.ts';
import { collectingLogger } from '../support/deployment.ts';
import { answeringServer } from '../support/http-server.ts';
import { describeWith } from '../support/needs.ts';
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
    cert,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Names no authority beside the system's. */
function nobody() {
  return createNarrowTrust({ env: {}, caFile: null });
}

describeWith('openssl')('trust', () => {
  const before = getCACertificates('default');
  afterEach(() => setDefaultCACertificates(before));

  test.each(['SSL_CERT_FILE', 'AWS_CA_BUNDLE', 'AWS_SSL_CA_BUNDLE', 'AWS_SSL_CA_DIRECTORY'])(
    'authorities come from %s',
    async (variable) => {
      using scratch = scratchFolder();
      const { cert, certFile } = await makeCertificate(scratch);
      mkdirSync(scratch.at('folder'));
      writeFileSync(scratch.at('folder', 'one.pem'), `${cert}\n${cert}`);
      writeFileSync(scratch.at('folder', 'notes.txt'), 'nothing');
      const isFolder = variable.endsWith('DIRECTORY');
      const found = readAuthorities({ env: { [variable]: isFolder ? scratch.at('folder') : certFile }, caFile: null });
      expect(found).toEqual([cert.trim()]);
      expect(() => readAuthorities({ env: { [variable]: '/nonexistent/ca' }, caFile: null })).toThrow(
        `${variable} names /nonexistent/ca`,
      );
    },
  );

  test.each([
    ['does not exist', null, 'no such file'],
    ['has no certificate in it', 'hello\n', 'there is no certificate in it (PEM)'],
    ['has only a key in it', '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n', 'no certificate in it'],
  ])('a ca_file that %s is a fault that names the key and the file', (_, content, why) => {
    using scratch = scratchFolder();
    const caFile = scratch.at('ca.pem');
    if (content !== null) writeFileSync(caFile, content);
    const read = () => readAuthorities({ env: {}, caFile });
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
    expect(read).toThrow(`ca_file names ${caFile}: `);
    expect(read).toThrow(why);
  });

  test('a start ends when the endpoint’s certificate does not verify', async () => {
    using scratch = scratchFolder();
    await using server = await privateServer(scratch);
    const log = collectingLogger();
    await expect(checkEndpointTls(new URL(server.url), null, nobody(), log)).rejects.toMatchObject({
      code: 'AGENT_TLS_REFUSED',
      message: `${server.url}: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)`,
      remedy: expect.stringContaining('ca_file'),
    });
    const named = createNarrowTrust({ env: {}, caFile: server.certFile });
    await named.begin(new URL(server.url));
    expect(getCACertificates('default')).toEqual([server.cert.trim()].map((pem) => `${pem}\n`));
    await checkEndpointTls(new URL(server.url), null, named, log);
    expect(log.lines).toEqual([]);
  });

  test('an endpoint whose authority is not the one that is named is looked for among all, once', async () => {
    using scratch = scratchFolder();
    using other = scratchFolder();
    await using server = await privateServer(scratch);
    const { certFile } = await makeCertificate(other);
    const trust = createNarrowTrust({ env: {}, caFile: certFile });
    await trust.begin(new URL(server.url));
    let widened = 0;
    const counting = {
      widen() {
        widened += 1;
        return trust.widen();
      },
    };
    const check = () => checkEndpointTls(new URL(server.url), null, counting, collectingLogger());
    await expect(check()).rejects.toMatchObject({ code: 'AGENT_TLS_REFUSED' });
    expect(getCACertificates('default').length).toBeGreaterThan(100);
    expect(await trust.widen()).toBe(false);
    expect(widened).toBe(1);
  });

  test('a command trusts whom --ca-file, SLIPWAY_CA_FILE and the environment name, and says how when nobody is named', async () => {
    using scratch = scratchFolder();
    await using server = await privateServer(scratch);
    const list = (env: NodeJS.ProcessEnv, ...args: readonly string[]) =>
      runSlipway(['applications', 'list', '--endpoint-url', server.url, ...args], {
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        ...env,
      });
    const refused = await list({});
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('self-signed certificate [SERVER_') });
    expect(refused.stderr).toContain('to do: Name the certificate of the server’s authority');
    const trusted = { status: 3, stderr: expect.stringContaining('the server answered HTTP 404') };
    expect(await list({}, '--ca-file', server.certFile)).toMatchObject(trusted);
    expect(await list({ SLIPWAY_CA_FILE: server.certFile })).toMatchObject(trusted);
    expect(await list({ SSL_CERT_FILE: server.certFile })).toMatchObject(trusted);
  });

  test('a start ends when what answers does not speak TLS, in words and not in OpenSSL’s', async () => {
    await using server = await answeringServer(() => ({}));
    const endpoint = new URL(server.url.replace('http:', 'https:'));
    await expect(checkEndpointTls(endpoint, null, nobody(), collectingLogger())).rejects.toMatchObject({
      code: 'AGENT_TLS_REFUSED',
      message: `${endpoint.origin}: what answers there does not speak TLS (EPROTO)`,
      remedy: expect.stringContaining('http://'),
    });
  });

  test('an endpoint that is down is logged, and the start goes on', async () => {
    const log = collectingLogger();
    await checkEndpointTls(new URL('https://127.0.0.1:9'), null, nobody(), log);
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'the control endpoint cannot be reached yet' }]);
  });
});

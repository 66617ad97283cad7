/** A server whose certificate a private authority has signed: whoever knows the authority's file needs nothing else. */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { type PrivateCertificates, privateCertificates } from '../support/certificates.ts';
import { testWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { cleanEnvironment, enrolHost, runSlipway, SLIPWAY, startControlServer } from '../support/slipway.ts';
import { tunnellingProxy } from '../support/tunnelling-proxy.ts';

testWith('openssl')(
  'a host that was registered with the authority’s file polls, downloads and reports over https',
  async () => {
    using scratch = scratchFolder();
    const { caFile, certFile, keyFile } = await privateCertificates(scratch.path);
    const tls = ['--tls-cert', certFile, '--tls-key', keyFile];
    await using server = await startControlServer(scratch.at('server'), undefined, tls);
    const asked = await runSlipway(['hosts', 'list'], server.env);
    expect(asked.status).toBe(4);
    expect(asked.stderr).toContain('to do: Name the certificate of the server’s authority');

    const trusting = { ...server, env: { ...server.env, SLIPWAY_CA_FILE: caFile } };
    const host = await enrolHost(trusting, scratch.at('host'), 'web-1');
    const own = scratch.at('host', 'conf', 'slipway-ca.pem');
    expect(parse(readFileSync(host.configFile, 'utf8'))).toMatchObject({ ca_file: own });
    expect(readFileSync(own, 'utf8')).toBe(readFileSync(caFile, 'utf8'));

    await using _agent = host.startAgent();
    for (const args of [
      ['applications', 'create', 'site'],
      ['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'],
    ]) {
      expect(await runSlipway(args, trusting.env)).toMatchObject({ status: 0 });
    }
    const revision = writeRevision(scratch.at('revision'), {
      destination: scratch.at('site'),
      files: { a: 'over TLS' },
    });
    const deploy = ['deploy', revision, '--application', 'site', '--group', 'test'];
    expect(await runSlipway(deploy, trusting.env)).toMatchObject({ status: 0 });
    expect(readFileSync(scratch.at('site', 'a'), 'utf8')).toBe('over TLS');
    const doctor = await runSlipway(['doctor', '--config-file', host.configFile]);
    expect(doctor.stdout).toMatch(/ok +connection .* answers over TLS that verifies/);
    expect(doctor.stdout).toMatch(/ok +credentials/);
  },
);

testWith('openssl')(
  'a host that was registered with the authority in the environment alone has it in its configuration',
  async () => {
    using scratch = scratchFolder();
    const { caFile, certFile, keyFile } = await privateCertificates(scratch.path);
    const tls = ['--tls-cert', certFile, '--tls-key', keyFile];
    await using server = await startControlServer(scratch.at('server'), undefined, tls);
    const host = await enrolHost(
      { ...server, env: { ...server.env, SSL_CERT_FILE: caFile } },
      scratch.at('host'),
      'web-1',
    );
    const own = scratch.at('host', 'conf', 'slipway-ca.pem');
    expect(parse(readFileSync(host.configFile, 'utf8'))).toMatchObject({ ca_file: own });
    expect(readFileSync(own, 'utf8')).toBe(readFileSync(caFile, 'utf8'));
  },
);

testWith('openssl')(
  'a host enrols with a token alone: it pins the authority that the token names, and polls over https',
  async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('others'));
    const [own, others] = [await privateCertificates(scratch.path), await privateCertificates(scratch.at('others'))];
    const start = (name: string, { caFile, certFile, keyFile }: PrivateCertificates) => {
      const chain = scratch.at(`${name}.chain.pem`);
      writeFileSync(chain, `${readFileSync(certFile, 'utf8')}${readFileSync(caFile, 'utf8')}`);
      return startControlServer(scratch.at(name), undefined, ['--tls-cert', chain, '--tls-key', keyFile]);
    };
    await using server = await start('server', own);
    await using other = await start('other', others);
    const asAdmin = { ...server.env, SLIPWAY_CA_FILE: own.caFile };
    const create = ['server', 'tokens', 'create', '--tag', 'Role=web', '--instance-name', 'web-*', '--json'];
    const made = JSON.parse((await runSlipway(create, asAdmin)).stdout) as { token: string; tokenId: string };
    const [host, away] = [scratch.at('host', 'conf'), scratch.at('away', 'conf')];
    const register = ['register', '--token', made.token, '--instance-name', 'web-1', '--state-dir', scratch.at('host')];

    const elsewhere = await runSlipway([...register, '--config-dir', away, '--server', other.url]);
    expect(elsewhere.stderr).toContain('does not show the authority that the token names');
    expect(existsSync(scratch.at('away'))).toBe(false);
    const plain = await runSlipway([...register, '--config-dir', away, '--server', 'http://192.0.2.1:8400']);
    expect(plain.stderr).toContain('a token is not sent to http://192.0.2.1:8400');
    const tagged = await runSlipway([...register, '--config-dir', away, '--server', server.url, '--tag', 'Role=bank']);
    expect(tagged.stderr).toContain('has the tags of the token');

    const enrolled = await runSlipway([...register, '--config-dir', host, '--server', server.url]);
    expect(enrolled).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(host, 'slipway-ca.pem'), 'utf8')).toBe(readFileSync(own.caFile, 'utf8'));
    const configFile = join(host, 'codedeployagent.yml');
    const doctor = await runSlipway(['doctor', '--config-file', configFile]);
    expect(doctor.stdout).toMatch(/ok +connection .* answers over TLS that verifies/);
    expect(doctor.stdout).toMatch(/ok +credentials/);
    const again = await runSlipway([...register, '--config-dir', away, '--server', server.url]);
    expect(again.stderr).toContain('no uses left of its 1');
    const { stdout: list } = await runSlipway(['server', 'tokens', 'list'], asAdmin);
    expect(list).toMatch(new RegExp(`^${made.tokenId} +used up +0/1 .* web-\\* +Role=web`, 'm'));
    expect(await runSlipway(['server', 'tokens', 'revoke', made.tokenId], asAdmin)).toMatchObject({ status: 0 });
  },
);

testWith('openssl')(
  'a token goes to nobody who only shows a copy of the authority’s certificate, and nothing is written',
  async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('others'));
    const [own, others] = [await privateCertificates(scratch.path), await privateCertificates(scratch.at('others'))];
    const authority = readFileSync(own.caFile, 'utf8');
    const sha256 = new X509Certificate(authority).fingerprint256.replaceAll(':', '').toLowerCase();
    const token = `slipway.${'A'.repeat(16)}.${'b'.repeat(40)}.${sha256}`;
    const heard: string[] = [];
    for (const chain of [[others.certFile, own.caFile], [others.certFile, others.caFile, own.caFile], [own.caFile]]) {
      const cert = chain.map((file) => readFileSync(file, 'utf8')).join('');
      const hasOwnKey = chain[0] === own.caFile;
      // Whoever has no key for a copied certificate cannot even begin.
      const key = readFileSync(hasOwnKey ? scratch.at('ca.key') : others.keyFile, 'utf8');
      const server = createServer({ cert, key }, (request, response) => {
        heard.push(JSON.stringify(request.headers));
        response.writeHead(200).end('{}');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const folders = ['--config-dir', scratch.at('away', 'conf'), '--state-dir', scratch.at('away')];
      const refused = await runSlipway(['register', '--server', url, '--token', token, ...folders]);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toMatch(/authority|certificate/);
      expect(refused.stderr).not.toContain('b'.repeat(40));
      expect(existsSync(scratch.at('away'))).toBe(false);
      server.closeAllConnections();
      server.close();
    }
    expect(heard).toEqual([]);
  },
);

testWith('openssl')(
  'a token comes from a file or the standard input, its server may be behind a proxy, and be its own authority',
  async () => {
    using scratch = scratchFolder();
    const { certFile, keyFile } = await signedByItself(scratch.path);
    await using server = await startControlServer(scratch.at('server'), undefined, [
      ...['--tls-cert', certFile, '--tls-key', keyFile],
    ]);
    const asAdmin = { ...server.env, SLIPWAY_CA_FILE: certFile };
    const made = await runSlipway(['server', 'tokens', 'create', '--uses', '3', '--json'], asAdmin);
    const { token } = JSON.parse(made.stdout) as { token: string };
    writeFileSync(scratch.at('token'), `${token}\n`);
    const { port } = new URL(server.url);
    const wanted = `Basic ${Buffer.from('me:it').toString('base64')}`;
    await using proxy = await tunnellingProxy(Number(port), wanted);
    const words = (name: string, ...more: readonly string[]) => [
      ...[
        'register',
        '--instance-name',
        name,
        '--config-dir',
        scratch.at(name),
        '--state-dir',
        scratch.at(`${name}-state`),
      ],
      ...more,
    ];
    const named = `https://deploy.example.com:${port}`;
    const through = { https_proxy: proxy.url.replace('://', '://me:it@') };
    const proxied = await runSlipway(words('web-1', '--server', named, '--token-file', scratch.at('token')), through);
    expect(proxied).toMatchObject({ status: 0, stderr: '' });
    expect(new Set(proxy.asked.map(({ target }) => target))).toEqual(new Set([`deploy.example.com:${port}`]));
    expect(readFileSync(scratch.at('web-1', 'slipway-ca.pem'), 'utf8')).toBe(readFileSync(certFile, 'utf8'));
    const typed = words('web-2', '--server', server.url, '--token-file', '-');
    const piped = await execa(process.execPath, [SLIPWAY, ...typed], {
      input: `  ${token}\n`,
      env: cleanEnvironment(),
      extendEnv: false,
    });
    expect(piped.stdout).toContain('registered web-2');

    const both = await runSlipway(words('web-3', '--server', server.url, '--token', token, '--token-file', 'x'));
    expect(both.stderr).toContain('name two tokens');
    const gone = await runSlipway(words('web-3', '--server', server.url, '--token-file', scratch.at('gone')));
    expect(gone.stderr).toContain('the token cannot be read from');
    const odd = await runSlipway(words('web-3', '--server', server.url, '--token-file', certFile));
    expect(odd.stderr).toContain(`--token-file ${certFile} holds what is no enrolment token`);
    const refusing = { https_proxy: proxy.url };
    const stopped = await runSlipway(words('web-3', '--server', named, '--token-file', scratch.at('token')), refusing);
    expect(stopped.stderr).toContain('refuses to connect to it (HTTP 407)');
    expect(existsSync(scratch.at('web-3'))).toBe(false);
  },
);

/** A server's certificate that no authority has signed. */
async function signedByItself(folder: string): Promise<{ readonly certFile: string; readonly keyFile: string }> {
  const [certFile, keyFile] = [join(folder, 'self.pem'), join(folder, 'self.key')];
  const names = ['-subj', '/CN=self', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:deploy.example.com'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await execa('openssl', ['req', '-x509', ...curve, ...names, '-keyout', keyFile, '-out', certFile]);
  return { certFile, keyFile };
}

test('a host of a server without TLS is registered without an authority', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(parse(readFileSync(host.configFile, 'utf8'))).not.toHaveProperty('ca_file');
});

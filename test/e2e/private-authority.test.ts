/** A server whose certificate a private authority has signed: whoever knows the authority's file needs nothing else. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { type PrivateCertificates, privateCertificates } from '../support/certificates.ts';
import { testWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

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
  60_000,
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
  60_000,
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
  60_000,
);

test('a host of a server without TLS is registered without an authority', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(parse(readFileSync(host.configFile, 'utf8'))).not.toHaveProperty('ca_file');
}, 60_000);

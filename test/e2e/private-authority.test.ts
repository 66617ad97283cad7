/** A server whose certificate a private authority has signed: whoever knows the authority's file needs nothing else. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { privateCertificates } from '../support/certificates.ts';
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

test('a host of a server without TLS is registered without an authority', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(parse(readFileSync(host.configFile, 'utf8'))).not.toHaveProperty('ca_file');
}, 60_000);

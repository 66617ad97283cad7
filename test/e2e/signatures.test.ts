/** Signed bundles through real programs: slipway push, a control server with its store, a host's agent. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type SshKeyPair, sshKeyPair } from '../support/signing.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

interface Pushed {
  readonly bucket: string;
  readonly key: string;
}

describeWith('ssh-keygen')('a deployment to a host that takes signed bundles only', () => {
  let scratch: ScratchFolder;
  let server: ControlServer;
  let keys: { readonly trusted: SshKeyPair; readonly other: SshKeyPair };
  const cleanUp = new AsyncDisposableStack();

  beforeAll(async () => {
    scratch = cleanUp.use(scratchFolder());
    keys = { trusted: sshKeyPair(scratch, 'trusted'), other: sshKeyPair(scratch, 'other') };
    writeFileSync(scratch.at('signers'), keys.trusted.line('release@example.com', 'namespaces="slipway-bundle*"'));
    server = cleanUp.use(await startControlServer(scratch.at('server')));
    const host = await enrolHost(server, scratch.at('host'), 'host-1', 'Role=web');
    appendFileSync(
      host.configFile,
      `bundle_signature_policy: off
bundle_signers_file: ${scratch.at('signers')}
deployment_groups: { shop/production: { bundle_signature_policy: enforce }, shop/staging: { bundle_signature_policy: warn } }
`,
    );
    cleanUp.use(host.startAgent());
    await must('applications', 'create', 'shop');
    for (const group of ['production', 'staging', 'test']) {
      await must('groups', 'create', group, '--application', 'shop', '--tag', 'Role=web');
    }
  });
  afterAll(() => cleanUp.disposeAsync());

  async function must(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await runSlipway(args, server.env);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    return stdout;
  }

  async function push(name: string, ...flags: string[]): Promise<Pushed> {
    const folder = writeRevision(scratch.at('revisions', name), {
      destination: scratch.at('www', name),
      files: { 'index.html': name },
    });
    const pushed = await must('push', folder, '--application', 'shop', '--json', ...flags);
    return (JSON.parse(pushed) as { s3Location: Pushed }).s3Location;
  }

  function deploy({ bucket, key }: Pushed, group: string) {
    const revision = ['--revision', `s3://${bucket}/${key}`];
    return runSlipway(['deploy', '--application', 'shop', '--group', group, ...revision], server.env);
  }

  test('succeeds for one that push has signed, and the agent says by whom', async () => {
    const deployed = await deploy(await push('signed', '--sign-key', keys.trusted.keyFile), 'production');
    expect(deployed).toMatchObject({ status: 0 });
    expect(readFileSync(scratch.at('www/signed/index.html'), 'utf8')).toBe('signed');
    expect(readFileSync(scratch.at('host/agent.log'), 'utf8')).toContain('"signer":"release@example.com"');
  });

  test('succeeds for a bundle that was packed and signed elsewhere, which is pushed as it is', async () => {
    const folder = writeRevision(scratch.at('packed'), {
      destination: scratch.at('www/packed'),
      files: { 'index.html': 'packed' },
    });
    const bundle = scratch.at('packed.tgz');
    execFileSync('tar', ['-czf', bundle, '-C', folder, '.']);
    await must('sign', bundle, '--key', keys.trusted.keyFile, '--application', 'shop');
    const pushed = JSON.parse(await must('push', bundle, '--application', 'shop', '--json')) as {
      readonly s3Location: Pushed & { readonly bundleType: string };
    };
    expect(pushed.s3Location.bundleType).toBe('tgz');
    await using store = storeOf(server);
    expect((await store.get(pushed.s3Location)).equals(readFileSync(bundle))).toBe(true);

    const target = ['--application', 'shop', '--group', 'production'];
    expect(await runSlipway(['deploy', bundle, ...target], server.env)).toMatchObject({ status: 0 });
    expect(readFileSync(scratch.at('www/packed/index.html'), 'utf8')).toBe('packed');
  });

  test('fails in DownloadBundle when a byte in the store is another', async () => {
    const pushed = await push('tampered', '--sign-key', keys.trusted.keyFile);
    await using store = storeOf(server);
    const content = await store.get(pushed);
    // The comment of a zip file is its end: what is in it stays the same.
    await store.put(pushed, Buffer.concat([content.subarray(0, -2), Buffer.from([1, 0, 0x21])]));
    const deployed = await deploy(pushed, 'production');
    expect(deployed).toMatchObject({ status: 1, stdout: expect.stringContaining('SIGNATURE_MISMATCH') });
  });

  test('fails for another key, and for no signature, with all that the operator needs in the diagnostics', async () => {
    const other = await deploy(await push('other', '--sign-key', keys.other.keyFile), 'production');
    expect(other).toMatchObject({ status: 1, stdout: expect.stringContaining('SIGNATURE_UNTRUSTED') });
    const unsigned = await push('unsigned');
    const { status, stdout } = await deploy(unsigned, 'production');
    expect(status).toBe(1);
    expect(stdout).toContain(`s3://${unsigned.bucket}/${unsigned.key} is not signed: there is no `);
    expect(stdout).toContain('Trusted in');
    expect(stdout).toContain('release@example.com (SHA256:');
    expect(stdout).toContain('--sign-key');
  });

  test('succeeds unsigned in the groups whose policy is warn or off; under warn the agent’s log has it', async () => {
    const unsigned = await push('lenient');
    expect(await deploy(unsigned, 'test')).toMatchObject({ status: 0 });
    const log = () => readFileSync(scratch.at('host/agent.log'), 'utf8');
    expect(log()).not.toContain('bundle_signature_policy is warn');
    // The files are the other group's now, so that only the download is told apart here.
    const { stdout } = await deploy(unsigned, 'staging');
    expect(stdout).not.toContain('SIGNATURE_');
    expect(log()).toContain('bundle_signature_policy is warn');
  });
});

function storeOf({ s3Url, env }: ControlServer) {
  const credentials = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const client = new S3Client({ endpoint: s3Url, region: 'us-east-1', credentials, forcePathStyle: true });
  return {
    async get({ bucket, key }: Pushed): Promise<Buffer> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async put({ bucket, key }: Pushed, content: Buffer): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

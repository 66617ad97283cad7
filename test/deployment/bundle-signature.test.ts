import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import type { SignaturePolicy } from '../../src/config/group-settings.ts';
import type { DeploymentContext } from '../../src/deployment/context.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import { planOnHost } from '../../src/local/plan-on-host.ts';
import { planRollback } from '../../src/local/rollback.ts';
import type { DeploymentSpecification, Revision } from '../../src/protocol/specification.ts';
import { createSignatureFetcher } from '../../src/revision/fetch-signature.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { httpServer } from '../support/http-server.ts';
import { describeWith, testWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { revisionContext } from '../support/revision-context.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { minisignKeyPair, type SshKeyPair, sshKeyPair } from '../support/signing.ts';

async function bundleIn(scratch: ScratchFolder, name = 'app.tgz'): Promise<string> {
  const folder = writeRevision(scratch.at(`${name}.d`), {
    destination: scratch.at('www'),
    files: { 'index.html': name },
  });
  await packBundle({ sourceDir: folder, bundleFile: scratch.at(name), bundleType: 'tgz' });
  return scratch.at(name);
}

function localFile(location: string): Revision {
  return { revisionType: 'Local File', location, bundleType: 'tgz' };
}

/** A host with the policy for all its groups, whose signers are in the file `signers`. */
function host(scratch: ScratchFolder, policy: SignaturePolicy, overrides: Partial<DeploymentContext> = {}) {
  const signersFile = scratch.at('signers');
  return deploymentContext(scratch, { signatureRules: () => ({ policy, signersFile }), ...overrides });
}

type Host = ReturnType<typeof host>;

async function run(ctx: Host, commandName: string, specification: DeploymentSpecification) {
  const { status, diagnostics } = await runCommand(ctx, {
    hostCommandIdentifier: `${specification.deploymentId}/${commandName}`,
    commandName,
    specification,
  });
  const isUnpacked = existsSync(`${ctx.rootDir}/group-id/${specification.deploymentId}/deployment-archive`);
  return { status, message: diagnostics.message, isUnpacked };
}

function download(ctx: Host, revision: Revision, overrides: Partial<DeploymentSpecification> = {}) {
  return run(ctx, 'DownloadBundle', specificationOf('', { revision, applicationName: 'shop', ...overrides }));
}

const warnings = (ctx: Host) => ctx.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);

describeWith('ssh-keygen')('under the policy enforce, DownloadBundle', () => {
  test('unpacks what a trusted key has signed, and the log says whose', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    key.sign(bundle);
    writeFileSync(scratch.at('signers'), key.line('ci@example.com'));
    const ctx = host(scratch, 'enforce');
    expect(await download(ctx, localFile(bundle))).toMatchObject({ status: 'Succeeded', isUnpacked: true });
    expect(ctx.log.lines).toContainEqual(
      expect.objectContaining({
        message: 'the bundle is signed',
        fields: expect.objectContaining({ signer: 'ci@example.com' }),
      }),
    );
  });

  test('fails before anything is unpacked when one byte is another, and names bundle, signer and what to do', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    key.sign(bundle);
    writeFileSync(scratch.at('signers'), key.line('ci@example.com'));
    const content = readFileSync(bundle);
    // The time in the head of a gzip file: whatever reads the archive would not notice.
    content[4] = (content[4] ?? 0) ^ 1;
    writeFileSync(bundle, content);
    const ctx = host(scratch, 'enforce');
    const { status, isUnpacked, message } = await download(ctx, localFile(bundle));
    expect({ status, isUnpacked }).toEqual({ status: 'Failed', isUnpacked: false });
    expect(readdirSync(`${ctx.rootDir}/group-id/d-ONE`)).toEqual([]);
    expect(message).toContain('SIGNATURE_MISMATCH');
    expect(message).toContain(bundle);
    expect(message).toContain('ci@example.com (SHA256:');
    expect(message).toContain('Push the bundle again');
  });

  test('fails for a bundle without a signature, and says where it looked and whom it would trust', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    const { status, isUnpacked, message } = await download(host(scratch, 'enforce'), localFile(bundle));
    expect({ status, isUnpacked }).toEqual({ status: 'Failed', isUnpacked: false });
    expect(message).toContain('there is no app.tgz.sig beside it');
    expect(message).toContain(`Trusted in ${scratch.at('signers')}: ci (SHA256:`);
    expect(message).toContain('--sign-key');
  });

  test('names the signature of one version of an object without that version, which is not the signature’s', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    const ctx = host(scratch, 'enforce', {
      async fetchBundle({ bundleFile }) {
        copyFileSync(bundle, bundleFile);
        return { eTag: null, sizeBytes: statSync(bundle).size };
      },
      fetchSignature: async () => false,
    });
    const object = { bucket: 'revisions', key: 'shop/app.tgz', bundleType: 'tgz', version: 'v7', eTag: null } as const;
    const { message } = await download(ctx, { revisionType: 'S3', ...object });
    expect(message).toContain(
      's3://revisions/shop/app.tgz (version v7) is not signed: there is no app.tgz.sig beside it',
    );
  });

  test('fails for a key that is not trusted, and for a signature that was made for another application', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const [key, other] = [sshKeyPair(scratch, 'key'), sshKeyPair(scratch, 'other')];
    writeFileSync(scratch.at('signers'), key.line('ci'));
    other.sign(bundle);
    const ctx = host(scratch, 'enforce');
    expect((await download(ctx, localFile(bundle))).message).toContain('SIGNATURE_UNTRUSTED');
    key.sign(bundle, 'slipway-bundle:shop');
    expect(await download(ctx, localFile(bundle))).toMatchObject({ status: 'Succeeded' });
    const elsewhere = await download(ctx, localFile(bundle), { applicationName: 'bank', deploymentId: 'd-TWO' });
    expect(elsewhere).toMatchObject({ status: 'Failed', isUnpacked: false });
    expect(elsewhere.message).toContain('for "slipway-bundle:shop", not for slipway-bundle or slipway-bundle:bank');
  });

  test('does not look at a bundle that changes behind its back: what is verified is a copy', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    key.sign(bundle);
    writeFileSync(scratch.at('signers'), key.line('ci'));
    const evil = readFileSync(await bundleIn(scratch, 'evil.tgz'));
    const ctx = host(scratch, 'enforce', {
      fetchSignature: async (request) => {
        const found = await createSignatureFetcher(revisionContext())(request);
        writeFileSync(bundle, evil);
        return found;
      },
    });
    expect(await download(ctx, localFile(bundle))).toMatchObject({ status: 'Succeeded' });
    expect(readFileSync(`${ctx.rootDir}/group-id/d-ONE/deployment-archive/files/index.html`, 'utf8')).toBe('app.tgz');
  });

  test('fails for a folder and for what GitHub packs, and says what to do instead', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    const folder = writeRevision(scratch.at('one'), { destination: scratch.at('www'), files: { a: '1' } });
    const ctx = host(scratch, 'enforce', { fetchBundle: async () => ({ eTag: null, sizeBytes: 0 }) });
    const ofFolder = await download(ctx, { revisionType: 'Local Directory', location: folder });
    expect(ofFolder).toMatchObject({ status: 'Failed', isUnpacked: false });
    expect(ofFolder.message).toContain('SIGNATURE_IMPOSSIBLE');
    const gitHub = { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: 'c', bundleType: null } as const;
    const ofGitHub = await download(ctx, gitHub);
    expect(ofGitHub).toMatchObject({ status: 'Failed', isUnpacked: false });
    expect(ofGitHub.message).toContain('a/r@c is packed anew by GitHub');
    expect(ofGitHub.message).toContain('deploy from git with signed commits');
  });

  test('fails when the file of signers is wrong, and names the line', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    key.sign(bundle);
    writeFileSync(scratch.at('signers'), `${key.line('ci')}ci ssh-ed25519 garbage\n`);
    const { message } = await download(host(scratch, 'enforce'), localFile(bundle));
    expect(message).toContain(`${scratch.at('signers')}: line 2: `);
    expect(message).toContain('SIGNERS_UNUSABLE');
  });
});

describeWith('ssh-keygen')('under the policy', () => {
  test('warn, what is wrong is in the log and the deployment goes on', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    const ctx = host(scratch, 'warn');
    expect(await download(ctx, localFile(bundle))).toMatchObject({ status: 'Succeeded', isUnpacked: true });
    expect(warnings(ctx)).toEqual([
      expect.stringMatching(/is not signed.*bundle_signature_policy is warn, so it is deployed/),
    ]);
  });

  test('off, nobody looks, and no signature is asked for', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    writeFileSync(`${bundle}.sig`, 'garbage');
    const ctx = host(scratch, 'off', { fetchSignature: () => Promise.reject(new Error('nobody asked for it')) });
    expect(await download(ctx, localFile(bundle))).toMatchObject({ status: 'Succeeded', isUnpacked: true });
    expect(warnings(ctx)).toEqual([]);
  });
});

describeWith('ssh-keygen')('the files of an earlier deployment', () => {
  test('are taken again when their bundle is still signed by somebody who is trusted; else the bundle is fetched', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    key.sign(bundle);
    writeFileSync(scratch.at('signers'), key.line('ci'));
    const ctx = host(scratch, 'enforce');
    expect(await download(ctx, localFile(bundle))).toMatchObject({ status: 'Succeeded' });
    for (const path of [bundle, `${bundle}.sig`]) rmSync(path);
    const again = await download(ctx, localFile(bundle), {
      deploymentId: 'd-TWO',
      reuseArchiveFromDeploymentId: 'd-ONE',
    });
    expect(again).toMatchObject({ status: 'Succeeded', message: 'Succeeded: BundleSource=archive-reuse' });
    const third = { deploymentId: 'd-THREE', reuseArchiveFromDeploymentId: 'd-TWO' };
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'newer').line('ci'));
    expect(await download(ctx, localFile(bundle), third)).toMatchObject({ status: 'Failed', isUnpacked: false });
    expect(warnings(ctx)).toContainEqual(expect.stringContaining('cannot be taken again'));
  });

  test('files that were unpacked while signatures were off are not reused under enforce', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    expect(await download(host(scratch, 'off'), localFile(bundle))).toMatchObject({ status: 'Succeeded' });
    const again = { deploymentId: 'd-TWO', reuseArchiveFromDeploymentId: 'd-ONE' };
    expect(await download(host(scratch, 'enforce'), localFile(bundle), again)).toMatchObject({ status: 'Failed' });
  });

  test('are rolled back to offline when they were a signed bundle of slipway local', async () => {
    using scratch = scratchFolder();
    const key = sshKeyPair(scratch, 'key');
    writeFileSync(scratch.at('signers'), key.line('ci'));
    const ctx = host(scratch, 'enforce');
    for (const [deploymentId, name] of [
      ['d-ONE-local', 'one.tgz'],
      ['d-TWO-local', 'two.tgz'],
    ] as const) {
      const bundle = await bundleIn(scratch, name);
      key.sign(bundle);
      const specification = specificationOf('', { revision: localFile(bundle), applicationName: 'shop', deploymentId });
      for (const command of ['DownloadBundle', 'Install']) {
        expect(await run(ctx, command, specification)).toMatchObject({ status: 'Succeeded' });
      }
      for (const path of [bundle, `${bundle}.sig`]) rmSync(path);
    }
    const request = { rootDir: ctx.rootDir, group: 'group-id', to: null };
    for (const deploymentId of ['d-THREE-local', 'd-FOUR-local']) {
      const { specification } = planRollback({ ...request, deploymentId });
      expect(await run(ctx, 'DownloadBundle', specification)).toMatchObject({ status: 'Succeeded' });
      expect(await run(ctx, 'Install', specification)).toMatchObject({ status: 'Succeeded' });
    }
    writeFileSync(`${ctx.rootDir}/group-id/d-FOUR-local/bundle.tar`, 'another');
    const { specification } = planRollback({ ...request, to: 'd-FOUR-local', deploymentId: 'd-FIVE-local' });
    expect((await run(ctx, 'DownloadBundle', specification)).message).toContain('SIGNATURE_MISMATCH');
  });
});

describe('a bundle of a web server', () => {
  testWith('ssh-keygen', 'minisign')(
    'has its signature at its own address, of either kind, with the query behind',
    async () => {
      using scratch = scratchFolder();
      const bundle = await bundleIn(scratch);
      const [ssh, minisign] = [sshKeyPair(scratch, 'key'), minisignKeyPair(scratch, 'release')];
      const files: Record<string, Buffer> = {
        '/app.tgz?token=t': readFileSync(bundle),
        '/app.tgz.minisig?token=t': readFileSync(minisign.sign(bundle)),
      };
      await using server = await httpServer((request, response) => {
        const file = files[request.url ?? ''];
        response.writeHead(file === undefined ? 404 : 200).end(file ?? 'nothing here');
      });
      writeFileSync(scratch.at('signers'), `${ssh.line('ci')}${readFileSync(minisign.publicKey, 'utf8')}`);
      const sha256 = createHash('sha256').update(readFileSync(bundle)).digest('hex');
      const revision = {
        revisionType: 'HTTPS',
        url: `${server.url}/app.tgz?token=t`,
        bundleType: 'tgz',
        sha256,
      } as const;
      const ctx = host(scratch, 'enforce');
      expect(await download(ctx, revision)).toMatchObject({ status: 'Succeeded', isUnpacked: true });
      // A signature that fits is enough, whatever else somebody puts beside it.
      files['/app.tgz.sig?token=t'] = Buffer.from('garbage');
      expect(await download(ctx, revision)).toMatchObject({ status: 'Succeeded', isUnpacked: true });
      delete files['/app.tgz.minisig?token=t'];
      expect((await download(ctx, revision)).message).toContain('SIGNATURE_UNREADABLE');
      delete files['/app.tgz.sig?token=t'];
      expect((await download(ctx, revision)).message).toContain('no app.tgz.sig and no app.tgz.minisig beside it');
    },
  );

  testWith('ssh-keygen')('whose signature cannot be fetched fails under enforce, and goes on under warn', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    await using server = await httpServer((request, response) => {
      if (request.url === '/app.tgz') response.end(readFileSync(bundle));
      else response.writeHead(403).end();
    });
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    const sha256 = createHash('sha256').update(readFileSync(bundle)).digest('hex');
    const revision = { revisionType: 'HTTPS', url: `${server.url}/app.tgz`, bundleType: 'tgz', sha256 } as const;
    const refused = await download(host(scratch, 'enforce'), revision);
    expect(refused).toMatchObject({ status: 'Failed', isUnpacked: false });
    expect(refused.message).toMatch(/app\.tgz\.sig could not be downloaded: the server answered 403.*REVISION_DENIED/);
    expect(await download(host(scratch, 'warn'), revision)).toMatchObject({ status: 'Succeeded', isUnpacked: true });
  });

  testWith('ssh-keygen')('whose signature never ends is not read to the end', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    let sent = 0;
    await using server = await httpServer((request, response) => {
      if (request.url === '/app.tgz') return void response.end(readFileSync(bundle));
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384, 'A'))) sent += 16_384;
      };
      response.on('drain', more);
      more();
    });
    writeFileSync(scratch.at('signers'), sshKeyPair(scratch, 'key').line('ci'));
    const sha256 = createHash('sha256').update(readFileSync(bundle)).digest('hex');
    const ctx = host(scratch, 'enforce');
    const { message } = await download(ctx, {
      revisionType: 'HTTPS',
      url: `${server.url}/app.tgz`,
      bundleType: 'tgz',
      sha256,
    });
    expect(message).toContain('SIGNATURE_UNREADABLE');
    expect(message).toContain('larger than 65536 bytes');
    expect(sent).toBeLessThan(50 * 2 ** 20);
  });
});

describeWith('ssh-keygen', 'git')('a commit in git', () => {
  function repository(scratch: ScratchFolder, objectFormat: string, ...settings: readonly string[]) {
    const folder = writeRevision(scratch.at('work'), {
      destination: scratch.at('www'),
      files: { 'index.html': 'git' },
    });
    const git = (args: readonly string[], input?: string) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: scratch.path, GIT_CONFIG_NOSYSTEM: '1' },
        ...(input === undefined ? {} : { input }),
      });
    git(['init', '--quiet', `--object-format=${objectFormat}`]);
    git(['add', '-A']);
    git([...settings.flatMap((setting) => ['-c', setting]), 'commit', '--quiet', '-m', 'Größer\n\nund besser']);
    git(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
    return { git, url: `file://${folder}/.git`, commitId: git(['rev-parse', 'HEAD']).trim() };
  }

  const signedWith = ({ keyFile }: SshKeyPair) => [
    'gpg.format=ssh',
    `user.signingKey=${keyFile}`,
    'commit.gpgSign=true',
  ];

  test.each(['sha1', 'sha256'])(
    'of a repository with %s that is signed is deployed where a signer’s line allows the namespace git, and only there',
    async (objectFormat) => {
      using scratch = scratchFolder();
      const key = sshKeyPair(scratch, 'key');
      const { url, commitId } = repository(scratch, objectFormat, ...signedWith(key));
      const revision = { revisionType: 'Git', url, commitId } as const;
      const ctx = host(scratch, 'enforce');
      writeFileSync(scratch.at('signers'), key.line('dev', 'namespaces="git,slipway-bundle"'));
      expect(await download(ctx, revision)).toMatchObject({ status: 'Succeeded', isUnpacked: true });
      const again = { deploymentId: 'd-TWO', reuseArchiveFromDeploymentId: 'd-ONE' };
      expect(await download(ctx, revision, again)).toMatchObject({ message: 'Succeeded: BundleSource=archive-reuse' });
      writeFileSync(scratch.at('signers'), key.line('dev'));
      const refused = await download(ctx, revision, { deploymentId: 'd-THREE' });
      expect(refused).toMatchObject({ status: 'Failed', isUnpacked: false });
      expect(refused.message).toContain('for the namespace "git", but the signer’s line does not name it');
    },
  );

  test('a commit that is not signed, or whose signature is another commit’s or no SSH key’s, is refused', async () => {
    using scratch = scratchFolder();
    const key = sshKeyPair(scratch, 'key');
    writeFileSync(scratch.at('signers'), key.line('dev', 'namespaces="git"'));
    const { git, url, commitId } = repository(scratch, 'sha1', ...signedWith(key));
    const signed = git(['cat-file', 'commit', commitId]);
    const variants: readonly (readonly [string, string])[] = [
      [signed.replace(/gpgsig .*-----END SSH SIGNATURE-----\n/s, ''), 'the commit is not signed'],
      [signed.replace('besser', 'anders'), 'SIGNATURE_MISMATCH'],
      [signed.replaceAll('SSH SIGNATURE', 'PGP SIGNATURE'), 'signed with PGP'],
      [signed.replace(/ U1NIU0lH/, ' U1NIU0lg'), 'SIGNATURE_UNREADABLE'],
    ];
    const ctx = host(scratch, 'enforce');
    for (const [index, [commit, why]] of variants.entries()) {
      const made = git(['hash-object', '-t', 'commit', '-w', '--stdin'], commit).trim();
      const refused = await download(ctx, { revisionType: 'Git', url, commitId: made }, { deploymentId: `d-${index}` });
      expect(refused).toMatchObject({ status: 'Failed', isUnpacked: false, message: expect.stringContaining(why) });
    }
  });
});

describeWith('ssh-keygen')('slipway plan', () => {
  test('says that an unsigned bundle could not be deployed to this host', async () => {
    using scratch = scratchFolder();
    const bundle = await bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    writeFileSync(scratch.at('signers'), key.line('ci'));
    const ctx = host(scratch, 'enforce');
    mkdirSync(ctx.rootDir, { recursive: true });
    const plan = {
      events: ['DownloadBundle', 'Install'],
      specification: specificationOf('', { revision: localFile(bundle) }),
    };
    const { outcome, problems } = await planOnHost(ctx, plan);
    expect({ outcome, rules: problems.map(({ rule }) => rule) }).toEqual({
      outcome: 'impossible',
      rules: ['SIGNATURE_MISSING'],
    });
    key.sign(bundle);
    expect(await planOnHost(ctx, plan)).toMatchObject({ outcome: 'changed', problems: [] });
  });
});

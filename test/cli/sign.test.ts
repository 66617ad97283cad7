import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lookAtSignatures } from '../../src/cli/doctor/signatures.ts';
import { runCli } from '../../src/cli/program.ts';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import { capturedContext } from '../support/cli-context.ts';
import { describeWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { minisignKeyPair, sshKeyPair } from '../support/signing.ts';
import { SLIPWAY } from '../support/slipway.ts';

/** A key of minisign's whose password, `correct horse`, is stretched as little as minisign allows: else each use takes seconds and a gigabyte. */
const PROTECTED_KEY = {
  public: `untrusted comment: minisign public key 467B0F94E6973A1C
RWQcOpfmlA97RheXXnTnDoBHNz6QbeCy6rC0CKJ7kp9Rt7i7J590mjeO
`,
  secret: `untrusted comment: minisign encrypted secret key
RWRTY0IyIO3zu8JyiEMgD1GHHV+VbRJma/xVQulJeITkva1fhp4AgAAAAAAAAAAAAAEAAAAAYEl+cIlcSZjUQ+GOmMTJCINF+N4otFZQZC/NecVpbMm3TatFI7LYkW21F3iG50VIkkbO5KA4vBeIvJRyESc4oI15GrQB0Cr2nnoFNv9Fku4gNCiJ2CAAzOM305U3/NwgM3bFyCWpG9Q=
`,
};

async function slipway(scratch: ScratchFolder, ...args: string[]) {
  const ctx = capturedContext({
    env: { PATH: process.env['PATH'], HOME: scratch.path },
    workingDirectory: scratch.path,
  });
  const status = await runCli(args, ctx);
  return { status, printed: ctx.printed(), complained: ctx.complained() };
}

describeWith('ssh-keygen')('slipway sign with an SSH key', () => {
  test('makes what slipway verify and ssh-keygen accept, for the one application that was named', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tgz'), 'the bundle');
    const key = sshKeyPair(scratch, 'key');
    writeFileSync(scratch.at('signers'), key.line('ci'));
    const signed = await slipway(scratch, 'sign', 'app.tgz', '--key', 'key', '--application', 'shop');
    expect(signed).toMatchObject({
      status: 0,
      printed: expect.stringMatching(/^signed with SHA256:\S+: .*app\.tgz\.sig\n$/),
    });
    const verify = (application: string) =>
      slipway(scratch, 'verify', 'app.tgz', '--signers', 'signers', '--application', application);
    expect(await verify('shop')).toMatchObject({
      status: 0,
      printed: expect.stringContaining('signed by ci (SHA256:'),
    });
    expect(await verify('bank')).toMatchObject({
      status: 1,
      printed: expect.stringContaining('SIGNATURE_WRONG_PURPOSE'),
    });
    const args = ['-Y', 'verify', '-f', 'signers', '-I', 'ci', '-n', 'slipway-bundle:shop', '-s', 'app.tgz.sig'];
    expect(execFileSync('ssh-keygen', args, { cwd: scratch.path, input: 'the bundle', encoding: 'utf8' })).toContain(
      'Good',
    );
    writeFileSync(scratch.at('app.tgz'), 'the bundlE');
    expect(await verify('shop')).toMatchObject({ status: 1, printed: expect.stringContaining('SIGNATURE_MISMATCH') });
  });

  test('signs through an agent when only the public key is there', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tgz'), 'the bundle');
    const key = sshKeyPair(scratch, 'key');
    writeFileSync(scratch.at('public.pub'), readFileSync(`${key.keyFile}.pub`));
    const script = 'ssh-add -q key && rm key && exec "$@"';
    const program = [process.execPath, SLIPWAY];
    const command = [...program, 'sign', 'app.tgz', '--key', 'public.pub'];
    execFileSync('ssh-agent', ['sh', '-c', script, 'sh', ...command], { cwd: scratch.path, stdio: 'pipe' });
    writeFileSync(scratch.at('signers'), key.line('ci'));
    expect(await slipway(scratch, 'verify', 'app.tgz', '--signers', 'signers', '--application', 'any')).toMatchObject({
      status: 0,
    });
  });

  test('says in the program’s own words why it cannot', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tgz'), 'the bundle');
    writeFileSync(scratch.at('key'), 'no key', { mode: 0o600 });
    const { status, complained } = await slipway(scratch, 'sign', 'app.tgz', '--key', 'key');
    expect(status).toBe(2);
    expect(complained).toMatch(/ssh-keygen could not sign: .*key.*\[CLI_CANNOT_SIGN\]/s);
    expect(existsSync(scratch.at('app.tgz.sig'))).toBe(false);
  });
});

describeWith('minisign')('slipway sign with a key of minisign', () => {
  test('makes what slipway verify and minisign accept', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tgz'), 'the bundle');
    const key = minisignKeyPair(scratch, 'release');
    const signed = await slipway(scratch, 'sign', 'app.tgz', '--key', 'release.key', '--application', 'shop');
    expect(signed).toMatchObject({ status: 0, printed: expect.stringContaining('app.tgz.minisig') });
    expect(
      execFileSync('minisign', ['-V', '-p', key.publicKey, '-m', 'app.tgz'], { cwd: scratch.path, encoding: 'utf8' }),
    ).toContain('Trusted comment: slipway-bundle:shop');
    const verify = ['verify', 'app.tgz', '--signers', 'release.pub', '--application', 'shop', '--json'];
    const { status, printed } = await slipway(scratch, ...verify);
    expect({ status, verdict: JSON.parse(printed) }).toMatchObject({ status: 0, verdict: { isTrusted: true } });
  });
});

describeWith('minisign')('slipway sign with a key of minisign that has a password', () => {
  test('lets minisign ask for it, on a terminal or from standard input', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tgz'), 'the bundle');
    writeFileSync(scratch.at('release.pub'), PROTECTED_KEY.public);
    writeFileSync(scratch.at('release.key'), PROTECTED_KEY.secret);
    const program = [process.execPath, SLIPWAY] as const;
    const args = [program[1], 'sign', 'app.tgz', '--key', 'release.key'];
    const sign = (input: string) => spawnSync(program[0], args, { cwd: scratch.path, input, encoding: 'utf8' });
    const wrong = sign('wrong\n');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/minisign could not sign: .*Wrong password.*CLI_CANNOT_SIGN/s);
    expect(sign('correct horse\n').status).toBe(0);
    const verify = ['verify', 'app.tgz', '--signers', 'release.pub', '--application', 'shop'];
    expect(await slipway(scratch, ...verify)).toMatchObject({ status: 0 });
  });
});

describe('slipway verify', () => {
  test('says that there is no signature, and what it needs to know', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('app.tgz'), 'the bundle');
    writeFileSync(scratch.at('agent.yml'), '');
    const verify = ['verify', 'app.tgz', '--application', 'shop', '-c', scratch.at('agent.yml')];
    expect(await slipway(scratch, ...verify)).toMatchObject({
      status: 2,
      complained: expect.stringContaining('--signers FILE'),
    });
    writeFileSync(
      scratch.at('signers'),
      'ci ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo\n',
    );
    writeFileSync(scratch.at('agent.yml'), `bundle_signers_file: ${scratch.at('signers')}\n`);
    expect(await slipway(scratch, ...verify)).toMatchObject({
      status: 1,
      printed: expect.stringContaining('SIGNATURE_MISSING'),
    });
  });
});

describe('slipway doctor', () => {
  test('names policies and keys, and what is wrong with them', () => {
    using scratch = scratchFolder();
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo';
    writeFileSync(scratch.at('signers'), `ci ${key}\nold valid-before="20200101Z" ${key}\n`);
    writeFileSync(scratch.at('broken'), 'ci nonsense key\n');
    chmodSync(scratch.at('signers'), 0o664);
    writeFileSync(
      scratch.at('agent.yml'),
      `root_dir: ${scratch.at('root')}
bundle_signature_policy: enforce
bundle_signers_file: ${scratch.at('signers')}
deployment_groups:
  shop/production: { bundle_signers_file: ${scratch.at('broken')} }
  shop/test: { bundle_signature_policy: off }
`,
    );
    mkdirSync(scratch.at('root/.slipway/history'), { recursive: true });
    const installed = [{ deploymentId: 'd-ONE', applicationName: 'shop', deploymentGroupName: 'production' }];
    writeFileSync(scratch.at('root/.slipway/history/1f2e.json'), JSON.stringify(installed));
    const findings = lookAtSignatures(loadAgentConfig(scratch.at('agent.yml')).config, Date.UTC(2026, 0, 1));
    expect(findings.map(({ status, check, detail }) => `${status} ${check}: ${detail}`)).toEqual([
      expect.stringMatching(/^ok bundle signatures: enforce, by .+signers: ci \(SHA256:/),
      expect.stringMatching(/^warn bundle signatures: keys that are not valid now: old \(SHA256:/),
      expect.stringMatching(/^warn bundle signatures: .+ may be written by others/),
      expect.stringMatching(/^fail bundle signatures of shop\/production: enforce, but .+broken: line 1: /),
      expect.stringMatching(/^ok bundle signatures of shop\/test: off/),
      expect.stringMatching(/^warn bundle signatures of shop\/test: nothing was ever installed/),
    ]);
  });
});

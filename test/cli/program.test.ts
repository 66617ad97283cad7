import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BUILD_FILE, buildRecordOf, describeBuild } from '../../src/cli/build-record.ts';
import { runCli } from '../../src/cli/program.ts';
import { reportError } from '../../src/cli/report-error.ts';
import { capturedContext } from '../support/cli-context.ts';
import { answeringServer } from '../support/http-server.ts';
import { SOURCE_PROGRAM } from '../support/program-under-test.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runSlipway, SLIPWAY } from '../support/slipway.ts';

describe('what a person meets who types something wrong', () => {
  test('an unknown command exits with 2 and shows what there is', async () => {
    const ctx = capturedContext();
    expect(await runCli(['deplyo'], ctx)).toBe(2);
    expect(ctx.complained()).toContain("unknown command 'deplyo'");
    expect(ctx.complained()).toContain('deploy');
  });

  test('a wrong value names the flag and what it takes', async () => {
    const ctx = capturedContext();
    expect(await runCli(['groups', 'create', 'g', '--application', 'a', '--tag', 'web'], ctx)).toBe(2);
    expect(ctx.complained()).toContain('--tag <key=value>');
    expect(ctx.complained()).toContain("'web' is not KEY=VALUE");
  });

  test('no server named: says so and how to name one, without a stack', async () => {
    const ctx = capturedContext();
    expect(await runCli(['hosts', 'list'], ctx)).toBe(2);
    expect(ctx.complained()).toMatch(/no control server is named \[CLI_NO_ENDPOINT\]\n {2}to do: Pass --endpoint-url/);
    expect(ctx.complained()).not.toMatch(/\n\s+at /);
  });

  test('--verbose after any command shows the stack', async () => {
    const ctx = capturedContext();
    expect(await runCli(['hosts', 'list', '--verbose'], ctx)).toBe(2);
    expect(ctx.complained()).toMatch(/\n\s+at /);
  });

  test('a server that is down: exit status 4, with its address', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'secret' };
    // Port 9 (discard) of loopback: nothing listens there.
    const ctx = capturedContext({ env });
    expect(await runCli(['hosts', 'list', '--endpoint-url', 'http://127.0.0.1:9'], ctx)).toBe(4);
    expect(ctx.complained()).toContain('127.0.0.1:9');
  });

  test('push takes a folder or a bundle that a host could deploy, and says what else is wrong with it', async () => {
    using scratch = scratchFolder();
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
      SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:9',
    };
    const push = async (...args: string[]) => {
      const ctx = capturedContext({ env });
      return [await runCli(['push', ...args, '--application', 'a'], ctx), ctx.complained()];
    };
    const bad = writeRevision(scratch.at('bad'), { destination: '/srv', files: {} });
    writeFileSync(scratch.at('bad/appspec.yml'), 'version: 0.0\nos: linux\nfiles: none\n');
    execFileSync('tar', ['-cf', scratch.at('bad.tar'), '-C', bad, '.']);
    writeFileSync(scratch.at('noise.zip'), 'no bundle at all');

    expect(await push(scratch.at('gone'))).toEqual([
      2,
      expect.stringMatching(/gone does not exist \[CLI_BAD_REVISION\]/),
    ]);
    expect(await push(scratch.at('noise.zip'))).toEqual([
      2,
      expect.stringContaining("the bundle is no zip archive, but text: 'no bundle at all'"),
    ]);
    expect(await push(scratch.at('bad.tar'), '--type', 'zip')).toEqual([
      2,
      expect.stringContaining('is a tar, and no zip'),
    ]);
    expect(await push(scratch.at('bad.tar'))).toEqual([2, expect.stringMatching(/bad\.tar\/appspec\.yml:3:8: error/)]);
  });

  test('deploy wants exactly one revision', async () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
      SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:9',
    };
    const ctx = capturedContext({ env });
    const both = ['deploy', '.', '--revision', 's3://b/k', '--application', 'a', '--group', 'g'];
    expect(await runCli(both, ctx)).toBe(2);
    expect(ctx.complained()).toContain('exactly once, not 2 times');
  });

  test('a bundle where slipway local takes only a word: nothing is deployed in its place', async () => {
    using scratch = scratchFolder();
    const folder = writeRevision(scratch.at('here'), { destination: scratch.at('site'), files: { 'index.html': 'x' } });
    const ctx = capturedContext({ workingDirectory: folder });
    expect(await runCli(['local', './other.zip', '-c', scratch.at('none.yml')], ctx)).toBe(2);
    expect(ctx.complained()).toContain("'./other.zip' is not a word that slipway local takes");
    expect(ctx.complained()).toContain('write --bundle-location ./other.zip');
    expect(existsSync(scratch.at('site'))).toBe(false);
  });

  test('a bundle in S3 is of the kind that its name says, unless a flag says another', async () => {
    await using server = await answeringServer(() => ({ body: '{"deploymentId":"d-1"}' }));
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
      SLIPWAY_ENDPOINT_URL: server.url,
    };
    const deploy = ['deploy', '--no-follow', '--application', 'a', '--group', 'g', '--revision'];
    for (const bundle of [['s3://b/app.tar.gz'], ['s3://b/app'], ['s3://b/app.zip', '--type', 'tar']])
      expect(await runCli([...deploy, ...bundle], capturedContext({ env }))).toBe(0);
    const kinds = server.received.map(({ body }) => JSON.parse(body.toString()).revision.s3Location.bundleType);
    expect(kinds).toEqual(['tgz', 'zip', 'tar']);
  });

  test('--sha256 without --url is not passed over', async () => {
    const ctx = capturedContext({ env: { SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:9' } });
    const args = ['deploy', '.', '--sha256', 'a'.repeat(64), '--application', 'a', '--group', 'g'];
    expect(await runCli(args, ctx)).toBe(2);
    expect(ctx.complained()).toContain('--sha256 is the digest of the bundle at --url');
  });

  test('a data folder that is no server’s: it has no keys, and is not made into one', async () => {
    using scratch = scratchFolder();
    for (const args of [['list'], ['disable', 'AKIATEST']]) {
      const ctx = capturedContext();
      expect(await runCli(['keys', ...args, '--data-dir', scratch.at('typo')], ctx)).toBe(2);
      expect(ctx.complained()).toContain(`no server has its database in ${scratch.at('typo')}`);
    }
    expect(existsSync(scratch.at('typo'))).toBe(false);
  });
});

describe('what the system refuses', () => {
  test.each([
    ['a name that is too long', 'x'.repeat(300), 'Check the path'],
    ['links that lead around in a circle', 'circle', 'lead around in a circle'],
  ])('%s is no fault of Slipway’s, and the path is named', async (_what, name, remedy) => {
    using scratch = scratchFolder();
    symlinkSync('circle', scratch.at('circle'));
    const ctx = capturedContext({ workingDirectory: scratch.path });
    expect(await runCli(['validate', name], ctx)).toBe(2);
    expect(ctx.complained()).toContain(scratch.at(name));
    expect(ctx.complained()).toContain(remedy);
    expect(ctx.complained()).not.toContain('a fault in Slipway');
  });

  test('a file of somebody else: the message says as whom to run it', () => {
    const refused = Object.assign(new Error("EACCES: permission denied, scandir '/srv/closed'"), { code: 'EACCES' });
    const { lines, reason } = reportError(refused, false);
    expect(lines).toEqual([
      "slipway: EACCES: permission denied, scandir '/srv/closed'",
      '  to do: Run it as root or as the user who owns it, or name another path.',
    ]);
    expect(reason).toBe('usage');
  });
});

test('a standard error that nobody reads any more changes no exit status', async () => {
  const child = spawn(process.execPath, [SLIPWAY, 'validate', '--nope'], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.destroy();
  expect(await once(child, 'exit')).toEqual([2, null]);
});

test.each([['--version'], ['-V'], ['--verbose', '--version']])(
  '%s %s of a checkout prints the version, and the commit that the checkout is at',
  async (...args) => {
    const { status, stdout } = await runSlipway(args, {}, SOURCE_PROGRAM);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^\d+\.\d+\.\d+ \(source, commit ([0-9a-f]{12} of \d{4}-\d\d-\d\d(, with changes)?|unknown)\)\n$/,
    );
  },
);

describe('which build a program says that it is', () => {
  const commit = { id: '0123456789abcdef', timeSeconds: Date.UTC(2026, 10, 29, 23, 59, 59) / 1000, isChanged: false };

  test.each([
    [{ packing: 'deb', commit }, '(deb, commit 0123456789ab of 2026-11-29)'],
    [
      { packing: 'npm', commit: { ...commit, isChanged: true } },
      '(npm, commit 0123456789ab of 2026-11-29, with changes)',
    ],
    [{ packing: 'tar.gz', commit: null }, '(tar.gz, commit unknown)'],
  ] as const)('%j is told as %s', (record, told) => {
    expect(describeBuild('1.2.3', record)).toBe(`1.2.3 ${told}`);
  });

  test('is read from the package, and from git in a checkout of its own only', () => {
    using scratch = scratchFolder();
    expect(buildRecordOf(scratch.path)).toEqual({ packing: 'npm', commit: null });
    mkdirSync(scratch.at('dist'));
    writeFileSync(scratch.at(BUILD_FILE), JSON.stringify({ packing: 'rpm', commit }));
    expect(buildRecordOf(scratch.path)).toEqual({ packing: 'rpm', commit });
    // Sources that lie in somebody else's repository are not at that one's commit.
    mkdirSync(scratch.at('src', 'cli'), { recursive: true });
    writeFileSync(scratch.at('src', 'cli', 'main.ts'), '');
    expect(buildRecordOf(scratch.path)).toEqual({ packing: 'source', commit: null });
  });
});

describe('slipway validate', () => {
  test('a sound revision is valid', async () => {
    using scratch = scratchFolder();
    const folder = writeRevision(scratch.at('revision'), { destination: '/srv/site', files: { 'index.html': 'x' } });
    const ctx = capturedContext({ workingDirectory: folder });
    expect(await runCli(['validate'], ctx)).toBe(0);
    expect(ctx.printed()).toContain('is valid');
  });

  test('every error is shown with file, line and column, and the exit status is 1', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('r'));
    writeFileSync(
      scratch.at('r', 'appspec.yml'),
      'version: 0.1\nos: linux\nhooks:\n  AfterInstall:\n    - timeout: 5\n',
    );
    const ctx = capturedContext({ workingDirectory: scratch.at('r') });
    expect(await runCli(['validate', '.'], ctx)).toBe(1);
    expect(ctx.printed()).toMatch(/appspec\.yml:1:\d+/);
    expect(ctx.printed()).toMatch(/appspec\.yml:5:\d+/);
    expect(ctx.printed()).toContain('2 errors');
  });

  test('a script that the bundle lacks is an error', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('r'));
    writeFileSync(
      scratch.at('r', 'appspec.yml'),
      'version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/gone.sh\n',
    );
    const ctx = capturedContext({ workingDirectory: scratch.at('r') });
    expect(await runCli(['validate', '--json'], ctx)).toBe(1);
    expect(JSON.parse(ctx.printed())).toMatchObject({ valid: false, findings: [{ rule: 'script-missing' }] });
  });
});

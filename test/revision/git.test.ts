import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unpackBundle } from '../../src/archive/unpack.ts';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import type { FetchRequest } from '../../src/revision/types.ts';
import { gitHttpServer } from '../support/git-servers.ts';
import { httpServer } from '../support/http-server.ts';
import { describeIf, describeWith } from '../support/needs.ts';
import { hasPrograms } from '../support/programs.ts';
import { QUICK_TUNING, revisionContext } from '../support/revision-context.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { hasSshServer, makeSshKey, sshServer } from '../support/ssh-server.ts';

let scratch: ScratchFolder;
let first: string;
let second: string;

const git = (...args: string[]) =>
  execFileSync('git', args, {
    cwd: scratch.at('work'),
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: scratch.path,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@example.com',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@example.com',
    },
  }).trim();

beforeAll(() => {
  scratch = scratchFolder();
  if (!hasPrograms('git')) return;
  mkdirSync(scratch.at('work'));
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(scratch.at('work/appspec.yml'), 'version: 0.0\nos: linux\n');
  mkdirSync(scratch.at('work/scripts'));
  writeFileSync(scratch.at('work/scripts/start.sh'), '#!/bin/sh\n', { mode: 0o755 });
  git('add', '-A');
  git('commit', '--quiet', '-m', 'one');
  first = git('rev-parse', 'HEAD');
  writeFileSync(scratch.at('work/added'), 'two\n');
  git('add', '-A');
  git('commit', '--quiet', '-m', 'two');
  second = git('rev-parse', 'HEAD');
  git('clone', '--quiet', '--bare', '.', scratch.at('repo.git'));
  git('-C', scratch.at('repo.git'), 'config', 'http.uploadpack', 'true');
});
afterAll(() => scratch[Symbol.dispose]());

const gitServer = (authorization: string | null = null) => gitHttpServer(scratch.path, { authorization });

function requestFor(folder: ScratchFolder, url: string, commitId: string): FetchRequest {
  return {
    revision: { revisionType: 'Git', url, commitId },
    bundleFile: folder.at('bundle.tar'),
    gitHubAccessToken: null,
  };
}

async function filesOf(folder: ScratchFolder): Promise<string[]> {
  await unpackBundle({
    bundleFile: folder.at('bundle.tar'),
    bundleType: 'tar',
    archiveDir: folder.at('archive'),
    limits: { maxBytes: 1e6, maxEntries: 100 },
    rules: { rejectSymlinks: false, keepOwnership: false },
  });
  return readdirSync(folder.at('archive'), { recursive: true }).map(String).sort();
}

describeWith('git')('a revision in git', () => {
  test('is the commit that was named, also when the branch has gone on', async () => {
    await using server = await gitServer();
    for (const [commitId, files] of [
      [first, ['appspec.yml', 'scripts', 'scripts/start.sh']],
      [second, ['added', 'appspec.yml', 'scripts', 'scripts/start.sh']],
    ] as const) {
      using folder = scratchFolder();
      await createBundleFetcher(revisionContext())(requestFor(folder, `${server.url}/repo.git`, commitId));
      expect(readdirSync(folder.path)).toEqual(['bundle.tar']);
      expect(await filesOf(folder)).toEqual(files);
    }
  });

  test('comes from a repository on this host as well', async () => {
    using folder = scratchFolder();
    await createBundleFetcher(revisionContext())(requestFor(folder, `file://${scratch.at('repo.git')}`, first));
    expect(await filesOf(folder)).toContain('scripts/start.sh');
  });

  test('tells how much of it has come, and ends when whoever is told wants no more', async () => {
    using folder = scratchFolder();
    const received: number[] = [];
    const fetching = createBundleFetcher(revisionContext())({
      ...requestFor(folder, `file://${scratch.at('repo.git')}`, first),
      onProgress({ receivedBytes }) {
        received.push(receivedBytes);
        throw new Error('that is enough');
      },
    });
    await expect(fetching).rejects.toMatchObject({ cause: { message: 'that is enough' } });
    expect(received).toEqual([expect.any(Number)]);
    expect(received[0]).toBeGreaterThan(100);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('a repository that is not public needs a line in source_credentials_file, which git does not change', async () => {
    using folder = scratchFolder();
    const basic = (user: string) => `Basic ${Buffer.from(user).toString('base64')}`;
    await using server = await gitServer(basic('deploy:s@cret'));
    const url = `${server.url}/repo.git`;
    await expect(createBundleFetcher(revisionContext())(requestFor(folder, url, first))).rejects.toMatchObject({
      code: 'REVISION_DENIED',
      remedy: expect.stringContaining('source_credentials_file'),
    });
    const file = folder.at('credentials');
    const wrong = server.url.replace('//', '//deploy:wrong@');
    writeFileSync(file, `${wrong}\n`);
    const ctx = revisionContext({ sourceCredentialsFile: file });
    const refused = await createBundleFetcher(ctx)(requestFor(folder, url, first)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'REVISION_DENIED', remedy: expect.stringContaining(file) });
    expect(String(refused)).not.toContain('wrong');
    expect(readFileSync(file, 'utf8')).toBe(`${wrong}\n`);
    writeFileSync(file, `${server.url.replace('//', '//deploy:s%40cret@')}\n`);
    await createBundleFetcher(ctx)(requestFor(folder, url, first));
    expect(await filesOf(folder)).toContain('appspec.yml');
  });

  test('a repository that is not public is fetched with what the deployment brings, before the host’s own credentials', async () => {
    using folder = scratchFolder();
    const basic = `Basic ${Buffer.from('oauth2:t/o@k+en%').toString('base64')}`;
    await using server = await gitServer(basic);
    const file = folder.at('credentials');
    writeFileSync(file, `${server.url.replace('//', '//deploy:wrong@')}\n`);
    const ctx = revisionContext({ sourceCredentialsFile: file });
    const request = requestFor(folder, `${server.url}/repo.git`, first);
    await expect(createBundleFetcher(ctx)({ ...request, gitHubAccessToken: 't/o@k+en%' })).rejects.toMatchObject({
      code: 'REVISION_DENIED',
    });
    await createBundleFetcher(ctx)({ ...request, gitHubAccessToken: 't/o@k+en%', gitUserName: 'oauth2' });
    expect(await filesOf(folder)).toContain('appspec.yml');
  });

  test('a repository that is missing is reported with what is missing: the commit, the repository, the server', async () => {
    using folder = scratchFolder();
    await using server = await gitServer();
    const fetchBundle = createBundleFetcher(revisionContext());
    const absent = '0123456789'.repeat(4);
    await expect(fetchBundle(requestFor(folder, `${server.url}/repo.git`, absent))).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
      message: expect.stringContaining(absent),
    });
    await expect(fetchBundle(requestFor(folder, `${server.url}/nothing.git`, first))).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
    });
    await expect(fetchBundle(requestFor(folder, 'http://127.0.0.1:9/repo.git', first))).rejects.toMatchObject({
      code: 'REVISION_UNREACHABLE',
    });
    expect(existsSync(folder.at('bundle.tar'))).toBe(false);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('is no tag’s or tree’s id', async () => {
    using folder = scratchFolder();
    const tree = git('rev-parse', `${first}^{tree}`);
    await expect(
      createBundleFetcher(revisionContext())(requestFor(folder, `file://${scratch.at('repo.git')}`, tree)),
    ).rejects.toMatchObject({ code: 'REVISION_NOT_FOUND' });
  });

  test('needs git, and says so where there is none', async () => {
    using folder = scratchFolder();
    const ctx = revisionContext({ proxyEnvironment: { PATH: folder.path } });
    await expect(
      createBundleFetcher(ctx)(requestFor(folder, `file://${scratch.at('repo.git')}`, first)),
    ).rejects.toMatchObject({ code: 'REVISION_TOOL_MISSING' });
  });

  test('over ssh needs ssh, and says so where there is none', async () => {
    using folder = scratchFolder();
    mkdirSync(folder.at('bin'));
    symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), folder.at('bin/git'));
    const ctx = revisionContext({ proxyEnvironment: { PATH: folder.at('bin') } });
    await expect(createBundleFetcher(ctx)(requestFor(folder, 'ssh://git@127.0.0.1/x', first))).rejects.toMatchObject({
      code: 'REVISION_TOOL_MISSING',
      message: expect.stringContaining('ssh'),
    });
  });

  test('a repository that this host cannot keep is no fault of the server', async ({ skip }) => {
    using folder = scratchFolder();
    const request = requestFor(folder, `file://${scratch.at('repo.git')}`, first);
    mkdirSync(request.bundleFile);
    await expect(createBundleFetcher(revisionContext())(request)).rejects.toMatchObject({
      code: 'REVISION_CANNOT_WRITE',
    });
    rmSync(request.bundleFile, { recursive: true });
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=10', 'tmpfs', folder.path]).status === 0;
    if (!isMounted) skip('nothing can be mounted here, so no disk is full for git');
    try {
      await expect(createBundleFetcher(revisionContext())(request)).rejects.toMatchObject({
        code: 'REVISION_DISK_FULL',
        message: expect.stringContaining('No space left on device'),
      });
      expect(readdirSync(folder.path)).toEqual([]);
    } finally {
      spawnSync('umount', [folder.path]);
    }
  });

  test('a repository that nobody answers for is given up when the agent ends', async () => {
    using folder = scratchFolder();
    const abort = new AbortController();
    await using server = await httpServer(() => abort.abort(new Error('the agent ends')));
    await expect(
      createBundleFetcher(revisionContext())({
        ...requestFor(folder, `${server.url}/repo.git`, first),
        signal: abort.signal,
      }),
    ).rejects.toThrow('the agent ends');
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describeIf(hasSshServer && hasPrograms('git'), 'git, an OpenSSH server, sshd, and a user with a login shell')(
  'a revision in git over ssh',
  () => {
    async function fetchOverSsh(
      changes: {
        knownHosts?: (line: string) => string;
        isRegistered?: boolean;
        onlyCommand?: string;
        noProgressMs?: number;
        /** Where the key and the known hosts are. */
        keys?: string;
      } = {},
    ) {
      using folder = scratchFolder();
      const { keys = 'keys' } = changes;
      mkdirSync(folder.at(keys));
      const publicKey = makeSshKey(folder.at(keys, 'key'));
      mkdirSync(folder.at('sshd'));
      const authorized = changes.isRegistered === false ? makeSshKey(folder.at('other')) : publicKey;
      const command = changes.onlyCommand === undefined ? '' : `command="${changes.onlyCommand}" `;
      await using server = await sshServer(folder.at('sshd'), `${command}${authorized}`);
      writeFileSync(folder.at(keys, 'known_hosts'), changes.knownHosts?.(server.knownHost) ?? server.knownHost);
      const ctx = revisionContext({
        gitSshKeyFile: folder.at(keys, 'key'),
        gitKnownHostsFile: folder.at(keys, 'known_hosts'),
        ...(changes.noProgressMs !== undefined && { tuning: { ...QUICK_TUNING, noProgressMs: changes.noProgressMs } }),
      });
      await createBundleFetcher(ctx)(requestFor(folder, `${server.url}${scratch.at('repo.git')}`, first));
      return filesOf(folder);
    }

    test('comes with git_ssh_key_file from a server whose key is in git_known_hosts_file', async () => {
      expect(await fetchOverSsh()).toEqual(['appspec.yml', 'scripts', 'scripts/start.sh']);
    });

    test.each(['my keys', "it's", 'say "hello"', '100% %h', 'back\\slash', 'a=b, c;d'])(
      'comes with keys from the folder %j',
      async (keys) => {
        expect(await fetchOverSsh({ keys })).toContain('appspec.yml');
      },
    );

    test.each([
      ['unknown', () => ''],
      ['another one by now', (line: string) => line.replace(/AAAA\S+/, otherKey())],
    ])('does not come from a server whose key is %s: nothing is sent to it', async (_, knownHosts) => {
      await expect(fetchOverSsh({ knownHosts })).rejects.toMatchObject({
        code: 'REVISION_DENIED',
        remedy: expect.stringContaining('git_known_hosts_file'),
      });
    });

    test('does not come with a key that the server does not know', async () => {
      await expect(fetchOverSsh({ isRegistered: false })).rejects.toMatchObject({
        code: 'REVISION_DENIED',
        remedy: expect.stringContaining('deploy key'),
      });
    });

    test('is given up, after the usual tries, when the server lets git in and then says nothing', async () => {
      await expect(fetchOverSsh({ onlyCommand: 'exec cat >/dev/null', noProgressMs: 1_000 })).rejects.toMatchObject({
        code: 'REVISION_UNREACHABLE',
        message: expect.stringContaining('nothing came for 1 seconds'),
      });
    });

    function otherKey(): string {
      using folder = scratchFolder();
      return makeSshKey(folder.at('key')).split(' ')[1] ?? '';
    }
  },
);

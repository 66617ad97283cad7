import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import type { FetchRequest, RevisionContext } from '../../src/revision/types.ts';
import { hasInEnvironment, runningProcesses } from '../../src/system/processes.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import {
  advertisement,
  type BareRepository,
  bareRepository,
  FLUSH,
  gitBomb,
  gitHttpServer,
  NO_HAVES,
  packetLine,
  reference,
  sendForever,
  sendInDrops,
  shallow,
} from '../support/git-servers.ts';
import { httpServer, tcpServer } from '../support/http-server.ts';
import { describeIf, describeWith } from '../support/needs.ts';
import { hasPrograms } from '../support/programs.ts';
import { QUICK_TUNING, revisionContext } from '../support/revision-context.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { hasSshServer, makeSshKey, sshServer } from '../support/ssh-server.ts';

const PROGRESS = Buffer.from('\u0002Counting objects:   1% (1/100)\r');
const KEEP_ALIVE = packetLine('\u0001');
/** Much shorter than any server's answer that never ends. */
const ENDS_WITHIN_MS = 20_000;
const QUICK_PACE = { ...QUICK_TUNING, pace: { leastBytesPerSecond: 2_000, windowMs: 400 } };

let scratch: ScratchFolder;
let repository: BareRepository;

beforeAll(() => {
  scratch = scratchFolder();
  if (!hasPrograms('git')) return;
  repository = bareRepository(scratch.at('small'), { noise: randomBytes(20_000) });
});
afterAll(() => scratch[Symbol.dispose]());

interface Attempt {
  readonly fault: unknown;
  readonly tookMs: number;
}

/** One fetch, after which no process of git and no file may be left. */
async function attempt(
  url: string,
  { commitId = repository.commitId, ...limits }: Partial<FetchRequest> & { readonly commitId?: string } = {},
  overrides: Partial<RevisionContext> = {},
): Promise<Attempt> {
  using folder = scratchFolder();
  const bundleFile = folder.at('bundle.tar');
  const startedMs = performance.now();
  const fault: unknown = await createBundleFetcher(revisionContext({ tuning: QUICK_PACE, ...overrides }))({
    revision: { revisionType: 'Git', url, commitId },
    bundleFile,
    gitHubAccessToken: null,
    ...limits,
  }).then(
    () => null,
    (error: unknown) => error,
  );
  const tookMs = performance.now() - startedMs;
  await eventually(() => processesOf(bundleFile).length === 0, { withinMs: 5_000 });
  expect(readdirSync(folder.path)).toEqual(fault === null ? ['bundle.tar'] : []);
  return { fault, tookMs };
}

/** Git's home is the folder of the fetch; all that it starts inherits that. */
function processesOf(bundleFile: string): number[] {
  return runningProcesses()
    .filter(({ pid }) => hasInEnvironment(pid, 'HOME', `${bundleFile}.git`))
    .map(({ pid }) => pid);
}

/** Answers as far as the references; what comes after that is up to `sendPack`. */
function untilPack(sendPack: (response: ServerResponse) => void): RequestListener {
  return (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
      const service = packetLine('# service=git-upload-pack\n');
      response.end(Buffer.concat([service, FLUSH, advertisement(repository.commitId), FLUSH]));
      return;
    }
    void buffer(request).then((bytes) => {
      const asked = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('latin1');
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
      if (asked.includes('deepen 1')) response.write(shallow(repository.commitId));
      if (!asked.includes('0009done')) response.end();
      else {
        response.write(NO_HAVES);
        sendPack(response);
      }
    });
  };
}

function listing(type: string, send: (response: ServerResponse) => void): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': type });
    send(response);
  };
}

const SMART = 'application/x-git-upload-pack-advertisement';
const many = () => reference(repository.commitId, 'b');
const firstReference = () =>
  Buffer.concat([packetLine('# service=git-upload-pack\n'), FLUSH, advertisement(repository.commitId)]);

/** Deeds of each server that sends something, and never a pack. */
const TRICKLES: Readonly<Record<string, RequestListener>> = {
  'trickles its references (smart)': listing(SMART, (response) => {
    response.write(firstReference());
    sendForever(response, many(), 20);
  }),
  'trickles its references (dumb)': listing('text/plain', (response) =>
    sendForever(response, Buffer.from(`${'1'.repeat(40)}\trefs/heads/b\n`), 20),
  ),
  'trickles an error (403)': (_request, response) => {
    response.writeHead(403, { 'content-type': 'text/plain' });
    sendForever(response, Buffer.from('no '), 20);
  },
  'trickles an error (500)': (_request, response) => {
    response.writeHead(500, { 'content-type': 'text/html' });
    sendForever(response, Buffer.from('no '), 20);
  },
  'tells of progress for ever, slowly': untilPack((response) => sendForever(response, packetLine(PROGRESS), 20)),
  'tells of progress for ever, fast': untilPack((response) => sendForever(response, packetLine(PROGRESS), 0)),
  'pretends that git itself is at work': untilPack((response) =>
    sendForever(response, packetLine('\u0002Resolving deltas:  50% (1/2)\r'), 20),
  ),
  'keeps the connection alive for ever': untilPack((response) => sendForever(response, KEEP_ALIVE, 20)),
};

describeWith('git')('a git server on the web', () => {
  test.each(Object.keys(TRICKLES))('a repository that %s fails the fetch after two windows', async (what) => {
    let windows = 0;
    await using server = await httpServer((request, response) => {
      if (request.method === 'GET') windows += 1;
      TRICKLES[what]?.(request, response);
    });
    const { fault, tookMs } = await attempt(`${server.url}/repo.git`);
    expect(fault).toMatchObject({ code: 'REVISION_TOO_SLOW', message: expect.stringContaining('in 0.4 seconds') });
    expect(tookMs).toBeLessThan(ENDS_WITHIN_MS);
    expect(windows).toBe(2);
  });

  test('a repository that trickles headers fails the fetch after two windows', async () => {
    await using server = await tcpServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('X-More: yes\r\n'), 20);
      socket.once('close', () => clearInterval(timer));
    });
    expect((await attempt(`${server.url}/repo.git`)).fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
  });

  test('a repository that sends everything and never ends the answer fails the fetch after two windows', async () => {
    await using server = await gitHttpServer(scratch.at('small'), {
      send(response, body, { method }) {
        response.write(method === 'GET' ? body : body.subarray(0, -FLUSH.length));
        if (method === 'GET') response.end();
        else sendForever(response, KEEP_ALIVE, 20);
      },
    });
    expect((await attempt(`${server.url}/repo.git`)).fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
  });

  test('a repository whose pack trickles fails the fetch after two windows', async () => {
    await using server = await gitHttpServer(scratch.at('small'), {
      send(response, body, { method }) {
        if (method === 'GET') response.end(body);
        else sendInDrops(response, body, 5, 20);
      },
    });
    expect((await attempt(`${server.url}/repo.git`)).fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
  });

  test('a repository whose objects trickle one by one (dumb) fails the fetch after two windows', async () => {
    await using server = await httpServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      if (request.url?.includes('info/refs')) response.end(`${repository.commitId}\trefs/heads/main\n`);
      else if (request.url?.endsWith('HEAD')) response.end('ref: refs/heads/main\n');
      else sendForever(response, Buffer.from('x'), 20);
    });
    expect((await attempt(`${server.url}/repo.git`)).fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
  });

  test.each([
    ['smart', SMART, () => firstReference(), () => many()],
    ['dumb', 'text/plain', () => Buffer.alloc(0), () => Buffer.from(`${'1'.repeat(40)}\trefs/heads/b\n`)],
  ])(
    'a repository whose references never end (%s) is given up when git has used git_max_memory',
    async (_kind, type, first, more) => {
      await using server = await httpServer(
        listing(type, (response) => {
          response.write(first());
          sendForever(response, more(), 0);
        }),
      );
      const limits = { gitMaxMemoryBytes: 100 * 2 ** 20, tuning: QUICK_TUNING };
      const { fault, tookMs } = await attempt(`${server.url}/repo.git`, {}, limits);
      expect(fault).toMatchObject({ code: 'REVISION_TOO_LARGE', remedy: expect.stringContaining('git_max_memory') });
      expect(tookMs).toBeLessThan(ENDS_WITHIN_MS);
    },
  );

  test.each([
    ['a pack', () => ({ large: randomBytes(3_000_000) }), 'repo.git'],
    ['a pack (dumb)', () => ({ large: randomBytes(3_000_000) }), 'dumb'],
    ['a commit that unpacks to', () => ({ large: Buffer.alloc(3_000_000) }), 'repo.git'],
  ])('a repository that sends %s more than bundle_max_size is given up', async (_what, files, kind) => {
    using folder = scratchFolder();
    const { commitId } = bareRepository(folder.path, files());
    await using server =
      kind === 'dumb' ? await gitHttpServer(folder.path, { isDumb: true }) : await gitHttpServer(folder.path);
    const { fault } = await attempt(
      `${server.url}/repo.git`,
      { commitId, maxBytes: 1_000_000 },
      { tuning: QUICK_TUNING },
    );
    expect(fault).toMatchObject({ code: 'REVISION_TOO_LARGE', message: expect.stringContaining('1000000 bytes') });
  });

  test('a repository whose commit holds ten billion files is given up at the limit', async () => {
    using folder = scratchFolder();
    const commitId = gitBomb(bareRepository(folder.path), 10);
    await using server = await gitHttpServer(folder.path);
    const limits = { tuning: QUICK_TUNING, gitMaxMemoryBytes: 100 * 2 ** 20 };
    const { fault, tookMs } = await attempt(`${server.url}/repo.git`, { commitId, maxBytes: 10_000_000 }, limits);
    expect(fault).toMatchObject({ code: 'REVISION_TOO_LARGE' });
    expect(tookMs).toBeLessThan(ENDS_WITHIN_MS);
  });

  test('a repository that is slow, but not too slow, brings the revision', async () => {
    using folder = scratchFolder();
    const { commitId } = bareRepository(folder.path, { noise: randomBytes(400_000) });
    await using server = await gitHttpServer(folder.path, {
      send: (response, body) => sendInDrops(response, body, 3_000, 50),
    });
    // Git hands on up to 64 KiB at once, which come in about a second.
    const pace = { leastBytesPerSecond: 5_000, windowMs: 3_000 };
    const tuning = { ...QUICK_TUNING, pace };
    const { fault, tookMs } = await attempt(`${server.url}/repo.git`, { commitId }, { tuning });
    expect(fault).toBe(null);
    // Longer than the two windows in which a source that only trickles has failed.
    expect(tookMs).toBeGreaterThan(6_000);
  });

  test('is waited for no longer when the time for the whole download is over', async () => {
    await using server = await httpServer(untilPack((response) => sendForever(response, KEEP_ALIVE, 20)));
    const signal = AbortSignal.timeout(1_000);
    const { fault, tookMs } = await attempt(`${server.url}/repo.git`, { signal }, { tuning: QUICK_TUNING });
    expect(fault).toBe(signal.reason);
    expect(tookMs).toBeLessThan(ENDS_WITHIN_MS);
  });
});

describeWith('git')('git itself', () => {
  /** Stands before the real git in the PATH. */
  function fakeGit(folder: ScratchFolder, onFetch: string): string {
    const script = [
      '#!/bin/sh',
      `PATH=${quoteForShell(process.env['PATH'] ?? '')}`,
      `[ "$1" != fetch ] || { ${onFetch}`,
      '}',
      'exec git "$@"',
    ];
    mkdirSync(folder.at('bin'));
    writeFileSync(folder.at('bin/git'), `${script.join('\n')}\n`);
    chmodSync(folder.at('bin/git'), 0o755);
    return folder.at('bin');
  }

  test('may work on what has come for longer than a source may be silent', async () => {
    using folder = scratchFolder();
    const work = `for n in 1 2 3 4 5 6 7 8 9 10; do printf 'Resolving deltas: %s\\r' $n >&2; sleep 0.2; done`;
    const PATH = fakeGit(folder, work);
    const { fault, tookMs } = await attempt(`file://${repository.folder}`, {}, { proxyEnvironment: { PATH } });
    expect(fault).toBe(null);
    expect(tookMs).toBeGreaterThan(2_000);
  });

  test('ends with all that it has started, also what does not heed SIGTERM', async () => {
    using folder = scratchFolder();
    const PATH = fakeGit(folder, `trap '' TERM; sleep 600 & sleep 601`);
    const { fault } = await attempt(`file://${repository.folder}`, {}, { proxyEnvironment: { PATH } });
    expect(fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
  });

  test('ends when the process that waits for it is killed', async () => {
    using folder = scratchFolder();
    const bundleFile = folder.at('bundle.tar');
    await using server = await httpServer(untilPack((response) => sendForever(response, KEEP_ALIVE, 20)));
    const program = fileURLToPath(new URL('../support/fetch-from-git.ts', import.meta.url));
    const words = [program, `${server.url}/repo.git`, repository.commitId, bundleFile];
    const child = spawn(process.execPath, words, { stdio: 'ignore' });
    await eventually(() => processesOf(bundleFile).length > 2);
    child.kill('SIGKILL');
    await eventually(() => processesOf(bundleFile).length === 0, { withinMs: 10_000 });
  });

  test('leaves nothing running that holds its pipes', async () => {
    using folder = scratchFolder();
    const PATH = fakeGit(folder, 'sleep 600 &');
    const { fault, tookMs } = await attempt(`file://${repository.folder}`, {}, { proxyEnvironment: { PATH } });
    expect(fault).toBe(null);
    expect(tookMs).toBeLessThan(ENDS_WITHIN_MS);
  });
});

describeIf(hasSshServer && hasPrograms('git'), 'git, an OpenSSH server, sshd, and a user with a login shell')(
  'a git server over ssh',
  () => {
    /** @param command what the server runs instead of git; a shell text without double quotes */
    async function attemptOverSsh(
      command: string,
      overrides: Partial<RevisionContext> = {},
      limits = {},
    ): Promise<Attempt> {
      using folder = scratchFolder();
      const key = makeSshKey(folder.at('key'));
      mkdirSync(folder.at('sshd'));
      writeFileSync(folder.at('command'), `: > ${folder.word('reached')}\n${command}\n`);
      await using server = await sshServer(folder.at('sshd'), `command="exec sh ${folder.word('command')}" ${key}`);
      writeFileSync(folder.at('known_hosts'), server.knownHost);
      const attempted = await attempt(`${server.url}${repository.folder}`, limits, {
        tuning: QUICK_TUNING,
        gitSshKeyFile: folder.at('key'),
        gitKnownHostsFile: folder.at('known_hosts'),
        ...overrides,
      });
      expect(readdirSync(folder.path), String(attempted.fault)).toContain('reached');
      return attempted;
    }

    const print = (bytes: Buffer) =>
      `printf '${[...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}'`;
    const forever = (what: string) => `while ${what}; do sleep 0.05; done`;
    const opening = () => `${print(Buffer.concat([advertisement(repository.commitId), FLUSH]))}; `;
    const asked = () => `${opening()} ${print(Buffer.concat([shallow(repository.commitId), NO_HAVES]))}; `;

    test.concurrent.each<[string, () => string]>([
      ['trickles its references', () => `${print(advertisement(repository.commitId))}; ${forever(print(many()))}`],
      ['tells of progress for ever', () => `${asked()} ${forever(print(packetLine(PROGRESS)))}`],
      ['keeps the connection alive for ever', () => `${asked()} ${forever(print(KEEP_ALIVE))}`],
      [
        'trickles the pack',
        () => `git-upload-pack ${quoteForShell(repository.folder)} | ${forever('dd bs=5 count=1 status=none')}`,
      ],
      ['says that git itself is at work', () => forever(`echo 'Resolving deltas:  50% (1/2)' >&2`)],
      ['says that objects are received', () => forever(`echo 'Receiving objects: 50% (1/2), 9.99 GiB | 1 MiB/s' >&2`)],
    ])('a git server over ssh that %s fails the fetch after two windows', async (_what, command) => {
      // A handshake takes its time on a busy machine.
      const pace = { leastBytesPerSecond: 2_000, windowMs: 2_500 };
      const { fault, tookMs } = await attemptOverSsh(command(), { tuning: { ...QUICK_TUNING, pace } });
      expect(fault).toMatchObject({ code: 'REVISION_TOO_SLOW' });
      expect(tookMs).toBeLessThan(ENDS_WITHIN_MS);
    });

    test('a git server over ssh whose references never end is given up when git has used git_max_memory', async () => {
      const line = `yes '${many().toString().trim()}'`;
      const { fault } = await attemptOverSsh(`${print(advertisement(repository.commitId))}; ${line}`, {
        gitMaxMemoryBytes: 60 * 2 ** 20,
      });
      expect(fault).toMatchObject({ code: 'REVISION_TOO_LARGE', remedy: expect.stringContaining('git_max_memory') });
    });

    test('a git server over ssh that sends a pack of more than bundle_max_size is given up', async () => {
      const { fault } = await attemptOverSsh(
        `git-upload-pack ${quoteForShell(repository.folder)}`,
        {},
        { maxBytes: 5_000 },
      );
      expect(statSync(repository.folder).isDirectory()).toBe(true);
      expect(fault).toMatchObject({ code: 'REVISION_TOO_LARGE', message: expect.stringContaining('5000 bytes') });
    });
  },
);

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import { createDeploymentContext } from '../../src/deployment/create-context.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import type { Revision } from '../../src/protocol/specification.ts';
import { systemClock } from '../../src/system/clock.ts';
import { collectingLogger, specificationOf } from '../support/deployment.ts';
import { bareRepository, gitHttpServer, sendForever } from '../support/git-servers.ts';
import { httpServer } from '../support/http-server.ts';
import { testWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { makeSshKey } from '../support/ssh-server.ts';

const COMMIT = '0123456789'.repeat(4);
const SOURCES = ['S3', 'GitHub', 'HTTPS', 'Git'] as const;
type Source = (typeof SOURCES)[number];

/** Bytes of the bundle that were written, and the message of the event. */
interface Downloaded {
  readonly message: string;
  readonly left: readonly string[];
  readonly tookMs: number;
}

/** DownloadBundle on a host whose configuration has these lines, from a server that plays this source. */
async function download(
  scratch: ScratchFolder,
  { url, source, commitId = COMMIT }: { readonly url: string; readonly source: Source; readonly commitId?: string },
  settings: readonly string[],
): Promise<Downloaded> {
  const configFile = scratch.at('agent.yml');
  const rootDir = scratch.at('root');
  const endpoints = [`s3_endpoint_override: ${url}`, `github_endpoint: ${url}`];
  writeFileSync(
    configFile,
    [`root_dir: ${rootDir}`, `log_dir: ${scratch.at('log')}`, ...endpoints, ...settings].join('\n'),
  );
  const ctx = createDeploymentContext(loadAgentConfig(configFile).config, {
    region: 'us-east-1',
    credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
    baseEnvironment: { PATH: process.env['PATH'] },
    clock: systemClock,
    log: collectingLogger(),
  });
  const revisions: Readonly<Record<Source, Revision>> = {
    S3: { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'tar', version: null, eTag: null },
    GitHub: { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: COMMIT, bundleType: 'tar' },
    HTTPS: { revisionType: 'HTTPS', url: `${url}/a.tar`, bundleType: 'tar', sha256: '0'.repeat(64) },
    Git: { revisionType: 'Git', url: `${url}/repo.git`, commitId },
  };
  const startedMs = performance.now();
  const { diagnostics } = await runCommand(ctx, {
    hostCommandIdentifier: 'c',
    commandName: 'DownloadBundle',
    specification: specificationOf('', { revision: revisions[source] }),
  });
  const folder = join(rootDir, 'group-id/d-ONE');
  const left = existsSync(folder) ? readdirSync(folder) : [];
  return { message: diagnostics.message, left, tookMs: performance.now() - startedMs };
}

/** Sends without an end. @param everyMs 0: as fast as it is taken */
function sending(bytes: number, everyMs: number): RequestListener {
  return (request, response) => {
    response.writeHead(200);
    if (request.method === 'HEAD') response.end();
    else sendForever(response, Buffer.alloc(bytes, 'x'), everyMs);
  };
}

describe.concurrent('an endless download', () => {
  for (const source of SOURCES) {
    const testSource = testWith(...(source === 'Git' ? ['git'] : []));

    testSource(`from ${source} ends when download_max_seconds are over, and nothing stays of it`, async () => {
      using scratch = scratchFolder();
      await using server = await httpServer(sending(100, 20));
      const settings = ['download_max_seconds: 2', 'download_min_rate: 1', 'download_min_rate_seconds: 0'];
      const { message, left, tookMs } = await download(scratch, { url: server.url, source }, settings);
      expect(message).toMatch(/the bundle was not here after 2 seconds \(download_max_seconds\) \[REVISION_TOO_SLOW\]/);
      expect(tookMs).toBeGreaterThan(1_900);
      expect(tookMs).toBeLessThan(20_000);
      expect(left).toEqual([]);
    });

    testSource(`from ${source} ends after two windows of download_min_rate`, async () => {
      using scratch = scratchFolder();
      await using server = await httpServer(sending(10, 100));
      const settings = ['download_min_rate: 5000', 'download_min_rate_seconds: 1'];
      const { message, left } = await download(scratch, { url: server.url, source }, settings);
      expect(message).toMatch(/in 1 seconds, and 5000 a second must come \[REVISION_TOO_SLOW\]/);
      expect(left).toEqual([]);
    });
  }

  test.each(['S3', 'GitHub', 'HTTPS'] as const)('from %s ends at bundle_max_size', async (source) => {
    using scratch = scratchFolder();
    await using server = await httpServer(sending(1024, 0));
    const { message, left } = await download(scratch, { url: server.url, source }, ['bundle_max_size: 3MB']);
    expect(message).toMatch(/ is larger than 3000000 bytes \[REVISION_TOO_LARGE\]/);
    expect(left).toEqual([]);
  });
});

describe('a download', () => {
  testWith('git')('from Git ends at bundle_max_size and at git_max_memory', async () => {
    using scratch = scratchFolder();
    const { commitId } = bareRepository(scratch.at('large'), { large: randomBytes(4_000_000) });
    await using server = await gitHttpServer(scratch.at('large'));
    const from = { url: server.url, source: 'Git', commitId } as const;
    const large = await download(scratch, from, ['bundle_max_size: 3MB']);
    expect(large).toMatchObject({ message: expect.stringMatching(/ 3000000 bytes \[REVISION_TOO_LARGE\]/), left: [] });
    await using endless = await httpServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      sendForever(response, Buffer.from(`${COMMIT}\trefs/heads/b\n`), 0);
    });
    const hungry = await download(scratch, { url: endless.url, source: 'Git' }, ['git_max_memory: 70MB']);
    expect(hungry).toMatchObject({
      message: expect.stringMatching(/ 70000000 bytes .*\[REVISION_TOO_LARGE\]/),
      left: [],
    });
  });

  testWith('ssh-keygen')('with a signature that trickles ends when download_max_seconds are over', async () => {
    using scratch = scratchFolder();
    const bundle = execFileSync('tar', ['-c', '-C', '/etc', 'hostname']);
    await using server = await httpServer((request, response) => {
      if (request.url?.includes('/k.')) return sending(1, 50)(request, response);
      response.writeHead(200, { 'content-length': bundle.length });
      response.end(request.method === 'HEAD' ? undefined : bundle);
    });
    writeFileSync(scratch.at('signers'), `deploy@example.com ${makeSshKey(scratch.at('key'))}`);
    const signed = ['bundle_signature_policy: enforce', `bundle_signers_file: ${scratch.at('signers')}`];
    const settings = ['download_max_seconds: 2', 'download_min_rate_seconds: 0', ...signed];
    const { message, tookMs } = await download(scratch, { url: server.url, source: 'S3' }, settings);
    expect(message).toMatch(/the bundle was not here after 2 seconds .*\[REVISION_TOO_SLOW\]/);
    expect(tookMs).toBeLessThan(20_000);
  });

  test.for([
    ['much comes', 512 * 1024, 10],
    ['little comes', 100, 20],
  ] as const)(
    'stops before the disk is full, and clears away, when another fills it while %s',
    async ([_what, bytes, everyMs], { skip }) => {
      using scratch = scratchFolder();
      execFileSync('mkdir', [scratch.at('root')]);
      const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', scratch.at('root')]).status === 0;
      if (!isMounted) skip('nothing can be mounted here, so no disk can be filled');
      try {
        await using server = await httpServer((request, response) => {
          sending(bytes, everyMs)(request, response);
          // Less than the spare is left, and more than nothing.
          if (request.method === 'GET') writeFileSync(scratch.at('root/other'), Buffer.alloc(84 * 2 ** 20));
        });
        const { message, left } = await download(scratch, { url: server.url, source: 'GitHub' }, []);
        expect(message).toMatch(/the bundle does not fit.*\[REVISION_NO_SPACE\]/);
        expect(left).toEqual([]);
      } finally {
        spawnSync('umount', [scratch.at('root')]);
      }
    },
  );
});

describe('the limits of downloads in the configuration', () => {
  const load = (line: string) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('agent.yml'), `${line}\n`);
    return loadAgentConfig(scratch.at('agent.yml'));
  };

  test('have the values that the docs name', () => {
    expect(load('').config).toMatchObject({
      bundleMaxBytes: 10 * 2 ** 30,
      gitMaxMemoryBytes: 2 ** 30,
      downloadMinRate: 1024,
      downloadMinRateSeconds: 120,
      downloadMaxSeconds: 3300,
    });
  });

  test.each(
    ['bundle_max_size', 'git_max_memory', 'download_min_rate'].flatMap((key) =>
      ['0', '-1', '1.5', 'much', '10 apples', '1e3 MB', 'true', '[1]', '{a: 1}', '99999999999999999999'].map(
        (value) => [key, value] as const,
      ),
    ),
  )('%s must be a size: %s is refused by name', (key, value) => {
    expect(() => load(`${key}: ${value}`)).toThrow(new RegExp(`${key} must be a size`));
  });

  test.each(
    ['download_min_rate_seconds', 'download_max_seconds'].flatMap((key) =>
      ['-1', '1.5', 'soon', '1m', 'true', '[1]', '1e400'].map((value) => [key, value] as const),
    ),
  )('%s must be a number of seconds: %s is refused by name', (key, value) => {
    expect(() => load(`${key}: ${value}`)).toThrow(new RegExp(`${key} must be a whole number from 0 on`));
  });

  test('limits that are longer than a timer can hold are cut to that, with a warning', () => {
    const { config, warnings } = load('download_max_seconds: 99999999');
    expect(config.downloadMaxSeconds).toBe(2_147_483);
    expect(warnings).toEqual([expect.stringContaining('download_max_seconds is 99999999; 2147483 is used')]);
  });
});

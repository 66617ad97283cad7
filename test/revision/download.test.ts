import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlipwayError } from '../../src/errors.ts';
import { noteFileOf, partFileOf } from '../../src/revision/bundle-part.ts';
import { countBytes, joinRanges, missingPieces } from '../../src/revision/byte-ranges.ts';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import type { DownloadProgress } from '../../src/revision/progress.ts';
import type { FetchRequest } from '../../src/revision/types.ts';
import { startTimeOf } from '../../src/system/processes.ts';
import { manualClock } from '../support/clock.ts';
import { httpServer } from '../support/http-server.ts';
import { rangeServer } from '../support/range-server.ts';
import { QUICK_TUNING, revisionContext } from '../support/revision-context.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const CONTENT = randomBytes(300_000);
const { pieceBytes, firstBytes } = QUICK_TUNING;

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function requestFor(scratch: ScratchFolder, url: string, content = CONTENT): FetchRequest {
  return {
    revision: { revisionType: 'HTTPS', url: `${url}/app.tgz`, bundleType: 'tgz', sha256: sha256(content) },
    bundleFile: scratch.at('bundle.tar'),
    gitHubAccessToken: null,
  };
}

describe('a download', () => {
  test('a download of a large bundle comes in several pieces, each asked for once and on condition that it is the same object', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    const request = requestFor(scratch, server.url);
    expect(await createBundleFetcher(revisionContext())(request)).toEqual({ eTag: null, sizeBytes: CONTENT.length });
    expect(readFileSync(request.bundleFile).equals(CONTENT)).toBe(true);
    expect(new Set(server.ranges).size).toBe(server.ranges.length);
    expect(server.ranges.length).toBe(1 + Math.ceil((CONTENT.length - firstBytes) / pieceBytes));
    expect(server.headers.slice(1).every((headers) => headers['if-match'] === `"${server.eTag}"`)).toBe(true);
    expect(readdirSync(scratch.path)).toEqual(['bundle.tar']);
  });

  test('a download of a small bundle takes one request', async () => {
    using scratch = scratchFolder();
    for (const size of [0, 1, firstBytes]) {
      const content = randomBytes(size);
      await using server = await rangeServer(content);
      const request = requestFor(scratch, server.url, content);
      await createBundleFetcher(revisionContext())(request);
      expect(readFileSync(request.bundleFile).equals(content)).toBe(true);
      // There is no range of nothing.
      expect(server.ranges.length).toBe(size === 0 ? 2 : 1);
    }
  });

  test('goes on where a connection broke, as often as each try brings something', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    // More often than a single piece may fail in a row.
    server.misbehave = (index) => (index % 2 === 0 ? { breakAfter: 20_000 } : null);
    const request = requestFor(scratch, server.url);
    await createBundleFetcher(revisionContext())(request);
    expect(readFileSync(request.bundleFile).equals(CONTENT)).toBe(true);
    expect(server.ranges).toContain(`bytes=20000-${firstBytes - 1}`);
  });

  test('gives up on a server that breaks off again and again, and says how', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = () => ({ breakAfter: 10 });
    await expect(createBundleFetcher(revisionContext())(requestFor(scratch, server.url))).rejects.toMatchObject({
      code: 'REVISION_UNREACHABLE',
      message: expect.stringContaining(`${server.url}/app.tgz`),
    });
    expect(existsSync(scratch.at('bundle.tar'))).toBe(false);
  });

  test('takes a server for gone that sends nothing for too long, however much it has sent', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => (index === 0 ? { stallAfter: 1_000 } : null);
    const ctx = revisionContext({ tuning: { ...QUICK_TUNING, noProgressMs: 1_000 } });
    const request = requestFor(scratch, server.url);
    await createBundleFetcher(ctx)(request);
    expect(readFileSync(request.bundleFile).equals(CONTENT)).toBe(true);
    expect(ctx.log.lines.some(({ fields }) => String(fields['error']).includes('nothing came for 1 seconds'))).toBe(
      true,
    );
  });

  test('does not wait for a store that never says what the checksum of an object is', async () => {
    using scratch = scratchFolder();
    await using server = await httpServer((request, response) => {
      if (request.method === 'HEAD') return;
      // As of an object that was put in parts: no MD5.
      const headers = { etag: `"${'a'.repeat(32)}-2"`, 'content-range': `bytes 0-9/10`, 'content-length': 10 };
      response.writeHead(206, headers).end('0123456789');
    });
    const ctx = revisionContext({
      s3EndpointOverride: server.url,
      credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
      tuning: { ...QUICK_TUNING, noProgressMs: 2_000 },
    });
    const fetched = await createBundleFetcher(ctx)({
      ...requestFor(scratch, server.url),
      revision: { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'tgz', version: null, eTag: null },
    });
    expect(fetched.sizeBytes).toBe(10);
  });

  test('is taken up by a later one, in another place, with only what is missing', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => (index < 2 ? null : { status: 503 });
    const first = requestFor(scratch, server.url);
    await expect(createBundleFetcher(revisionContext())(first)).rejects.toMatchObject({ code: 'REVISION_UNREACHABLE' });
    const partFile = partFileOf(first.bundleFile);
    expect(existsSync(partFile)).toBe(true);

    const asked = server.ranges.length;
    server.misbehave = () => null;
    const second = { ...first, bundleFile: scratch.at('later.tar'), partFiles: [partFile] };
    await createBundleFetcher(revisionContext())(second);
    expect(readFileSync(second.bundleFile).equals(CONTENT)).toBe(true);
    expect(server.ranges.slice(asked)).not.toContain(`bytes=0-${firstBytes - 1}`);
    expect(readdirSync(scratch.path)).toEqual(['later.tar']);
  });

  test('a download that was aborted is taken up as well, and nothing of it runs on', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => (index === 0 ? null : { stallAfter: 100 });
    const request = requestFor(scratch, server.url);
    const abort = new AbortController();
    const onProgress = ({ receivedBytes }: DownloadProgress) => {
      if (receivedBytes > firstBytes) abort.abort(new Error('the agent ends'));
    };
    const fetchBundle = createBundleFetcher(revisionContext());
    await expect(fetchBundle({ ...request, onProgress, signal: abort.signal })).rejects.toThrow('the agent ends');
    server.misbehave = () => null;
    const before = server.ranges.length;
    await fetchBundle(request);
    expect(readFileSync(request.bundleFile).equals(CONTENT)).toBe(true);
    expect(server.ranges.slice(before)).not.toContain(`bytes=0-${firstBytes - 1}`);
  });

  test('begins anew when the object is another one by now', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => (index < 2 ? null : { status: 503 });
    const changed = randomBytes(200_000);
    const first = requestFor(scratch, server.url, changed);
    await expect(createBundleFetcher(revisionContext())(first)).rejects.toMatchObject({ code: 'REVISION_UNREACHABLE' });
    server.misbehave = () => null;
    server.content = changed;
    server.eTag = 'another';
    await createBundleFetcher(revisionContext())(first);
    expect(readFileSync(first.bundleFile).equals(changed)).toBe(true);
  });

  test('does not trust a part that was meddled with', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => (index < 2 ? null : { status: 503 });
    const request = requestFor(scratch, server.url);
    await expect(createBundleFetcher(revisionContext())(request)).rejects.toMatchObject({
      code: 'REVISION_UNREACHABLE',
    });
    server.misbehave = () => null;
    writeFileSync(partFileOf(request.bundleFile), randomBytes(firstBytes), { flag: 'r+' });
    await createBundleFetcher(revisionContext())(request);
    expect(readFileSync(request.bundleFile).equals(CONTENT)).toBe(true);
  });

  test('leaves the part of a process that is at work alone', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => (index < 2 ? null : { status: 503 });
    const request = requestFor(scratch, server.url);
    await expect(createBundleFetcher(revisionContext())(request)).rejects.toMatchObject({
      code: 'REVISION_UNREACHABLE',
    });
    const noteFile = noteFileOf(partFileOf(request.bundleFile));
    const note = JSON.parse(readFileSync(noteFile, 'utf8'));
    writeFileSync(
      noteFile,
      JSON.stringify({ ...note, owner: { pid: process.ppid, startTime: startTimeOf(process.ppid) } }),
    );
    server.misbehave = () => null;
    const second = { ...request, bundleFile: scratch.at('later.tar'), partFiles: [partFileOf(request.bundleFile)] };
    const before = server.ranges.length;
    await createBundleFetcher(revisionContext())(second);
    expect(server.ranges.slice(before)).toContain(`bytes=0-${firstBytes - 1}`);
    expect(existsSync(partFileOf(request.bundleFile))).toBe(true);
  });

  test('a download from a server that knows no ranges, or gives no ETag, comes whole', async () => {
    using scratch = scratchFolder();
    for (const facts of [{ supportsRanges: false }, { eTag: null }]) {
      await using server = await rangeServer(CONTENT);
      Object.assign(server, facts);
      server.misbehave = (index) => (index === 0 ? { breakAfter: 50_000 } : null);
      const request = requestFor(scratch, server.url);
      if (facts.eTag === null) {
        // Without a mark to tell objects apart there is no way to ask for the rest.
        await expect(createBundleFetcher(revisionContext())(request)).rejects.toMatchObject({
          code: 'REVISION_UNREACHABLE',
        });
        continue;
      }
      await createBundleFetcher(revisionContext())(request);
      expect(readFileSync(request.bundleFile).equals(CONTENT)).toBe(true);
    }
  });

  test('a download with another SHA-256 than the revision’s is refused, and both are named', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    const request = requestFor(scratch, server.url, Buffer.from('something else'));
    await expect(createBundleFetcher(revisionContext())(request)).rejects.toMatchObject({
      code: 'REVISION_DIGEST_MISMATCH',
      message: expect.stringMatching(new RegExp(`${sha256(CONTENT)}.*${sha256(Buffer.from('something else'))}`)),
    });
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test('asks for room before the first byte is kept', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    const asked: (number | null)[] = [];
    const reserve = (bytes: number | null) => {
      asked.push(bytes);
      throw new SlipwayError('REVISION_NO_SPACE', 'there is none');
    };
    const fetchBundle = createBundleFetcher(revisionContext());
    await expect(fetchBundle({ ...requestFor(scratch, server.url), reserve })).rejects.toMatchObject({
      code: 'REVISION_NO_SPACE',
    });
    expect(asked).toEqual([CONTENT.length]);
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test('tells how far it is', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    const told: DownloadProgress[] = [];
    await createBundleFetcher(revisionContext())({
      ...requestFor(scratch, server.url),
      onProgress: (progress) => told.push(progress),
    });
    expect(told.at(-1)).toMatchObject({ receivedBytes: CONTENT.length, totalBytes: CONTENT.length });
    const amounts = told.map(({ receivedBytes }) => receivedBytes);
    expect(amounts).toEqual([...amounts].sort((a, b) => a - b));
  });
});

describe('a server that says no', () => {
  test.each([
    [401, 'REVISION_DENIED', 'source_credentials_file'],
    [403, 'REVISION_DENIED', 'source_credentials_file'],
    [404, 'REVISION_NOT_FOUND', 'Check the address'],
    [407, 'REVISION_DENIED', 'proxy_uri'],
  ])(
    'a server that says no with %i is not asked again, and the error says what to do',
    async (status, code, remedy) => {
      using scratch = scratchFolder();
      await using server = await rangeServer(CONTENT);
      server.misbehave = () => ({ status });
      await expect(createBundleFetcher(revisionContext())(requestFor(scratch, server.url))).rejects.toMatchObject({
        code,
        message: expect.stringContaining(String(status)),
        remedy: expect.stringContaining(remedy),
      });
      expect(server.ranges.length).toBe(1);
    },
  );

  test('gets the credentials of its own host only', async () => {
    using scratch = scratchFolder();
    await using other = await rangeServer(CONTENT);
    await using server = await rangeServer(CONTENT);
    server.misbehave = () => ({ status: 302, headers: { location: `${other.url}/elsewhere` } });
    const credentials = scratch.at('credentials');
    writeFileSync(credentials, `https://no:no@127.0.0.1\n${server.url.replace('//', '//me:s%40cret@')}\n`);
    await createBundleFetcher(revisionContext({ sourceCredentialsFile: credentials }))(requestFor(scratch, server.url));
    expect(server.headers[0]?.authorization).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`);
    expect(other.headers.map(({ authorization }) => authorization)).toEqual(other.headers.map(() => undefined));
  });
});

describe('GitHub', () => {
  const revision = { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: 'c1', bundleType: null } as const;
  const requestIn = (scratch: ScratchFolder): FetchRequest => ({
    revision,
    bundleFile: scratch.at('bundle.tar'),
    gitHubAccessToken: 'token1',
  });

  test('is asked again after 10, 30 and 90 seconds, and the error lists every status', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = (index) => ({
      status: index === 0 ? 500 : 403,
      headers: { 'x-ratelimit-remaining': '0' },
    });
    const clock = manualClock();
    const fetching = createBundleFetcher(revisionContext({ gitHubEndpoint: server.url, clock }))(requestIn(scratch));
    const failure = expect(fetching).rejects.toMatchObject({
      code: 'REVISION_DENIED',
      message: expect.stringContaining('after 3 retries (500, 403, 403, 403)'),
    });
    for (const waitMs of [10_000, 30_000, 90_000]) {
      expect(await clock.nextSleep()).toBe(waitMs);
      clock.advance(waitMs);
    }
    await failure;
    expect(server.headers[0]?.authorization).toBe('token token1');
  });

  test('is not asked again for what is not there', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    server.misbehave = () => ({ status: 404 });
    await expect(
      createBundleFetcher(revisionContext({ gitHubEndpoint: server.url }))(requestIn(scratch)),
    ).rejects.toMatchObject({ code: 'REVISION_NOT_FOUND', message: expect.stringContaining('0 retries (404)') });
  });

  test('gives a tarball or a zipball, and keeps its token from the host that it sends on to', async () => {
    using scratch = scratchFolder();
    await using archive = await rangeServer(CONTENT);
    await using server = await rangeServer(CONTENT);
    server.misbehave = () => ({ status: 302, headers: { location: `${archive.url}/codeload` } });
    await createBundleFetcher(revisionContext({ gitHubEndpoint: server.url }))(requestIn(scratch));
    expect(readFileSync(scratch.at('bundle.tar')).equals(CONTENT)).toBe(true);
    expect(archive.headers[0]?.authorization).toBeUndefined();
  });

  test('is told which program asks, without which it answers nobody', async () => {
    using scratch = scratchFolder();
    await using server = await rangeServer(CONTENT);
    await createBundleFetcher(revisionContext({ gitHubEndpoint: server.url }))(requestIn(scratch));
    expect(server.headers[0]).toMatchObject({
      'user-agent': 'slipway',
      authorization: expect.stringMatching(/^token /),
    });
  });
});

describe('ranges of bytes', () => {
  const ranges = fc.array(fc.tuple(fc.nat(100), fc.nat(20)).map(([from, length]) => ({ from, to: from + length })));

  test('the ranges that are here and those that are missing make the whole, and nothing is fetched twice', () => {
    fc.assert(
      fc.property(ranges, fc.nat(120), fc.integer({ min: 1, max: 30 }), (done, size, pieceBytes) => {
        const here = new Set(done.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)));
        const pieces = missingPieces(done, size, pieceBytes);
        const fetched = pieces.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
        expect(fetched).toEqual(Array.from({ length: size }, (_, i) => i).filter((i) => !here.has(i)));
        expect(pieces.every(({ from, to }) => from < to && to - from <= pieceBytes)).toBe(true);
        expect(countBytes(done)).toBe(here.size);
        expect(joinRanges(joinRanges(done))).toEqual(joinRanges(done));
      }),
    );
  });
});

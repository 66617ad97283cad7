import { describe, expect, test } from 'vitest';
import { fetchBytesFrom, fetchFrom, type SourceKind } from '../support/fetch-from.ts';
import { leftOut } from '../support/needs.ts';
import { hasPrograms } from '../support/programs.ts';

/** How often a source is asked that may be better soon. */
const TRIES: Readonly<Record<SourceKind, number>> = { HTTPS: 5, S3: 5, Git: 5, GitHub: 4 };
const KINDS = (Object.keys(TRIES) as SourceKind[]).filter((kind) => kind !== 'Git' || hasPrograms('git'));

const DENIED = [401, 403];
const NOT_FOUND = [404, 410];
const OTHERS_FOR_GOOD = [
  ...[
    204, 300, 304, 306, 400, 402, 405, 406, 409, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428,
  ],
  ...[431, 451, 499, 501, 505, 506, 508, 510, 511, 599],
];
const MAY_MEND = [408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524];

const of = (statuses: readonly number[]) => KINDS.flatMap((kind) => statuses.map((status) => [kind, status] as const));

describe(`a source that answers${leftOut('git')}`, () => {
  test.each(of(DENIED))('(%s) %d denies the revision, and is asked once', async (kind, status) => {
    const { fault, requests } = await fetchFrom(kind, (_request, response) => void response.writeHead(status).end());
    expect([requests, fault]).toEqual([1, expect.objectContaining({ code: 'REVISION_DENIED' })]);
  });

  test.each(of(NOT_FOUND))('(%s) %d has no such revision, and is asked once', async (kind, status) => {
    const { fault, requests } = await fetchFrom(kind, (_request, response) => void response.writeHead(status).end());
    expect([requests, fault]).toEqual([1, expect.objectContaining({ code: 'REVISION_NOT_FOUND' })]);
  });

  // For git an empty list of references is a repository that has no commit.
  const others = of(OTHERS_FOR_GOOD).filter(([kind, status]) => kind !== 'Git' || status !== 204);
  test.each(others)('(%s) %d is asked once', async (kind, status) => {
    const { fault, requests } = await fetchFrom(kind, (request, response) => {
      // An empty object has no first byte: then it is asked for as a whole.
      if (status === 416 && request.headers.range === undefined) response.writeHead(400).end();
      else response.writeHead(status).end();
    });
    const isAskedWhole = status === 416 && (kind === 'HTTPS' || kind === 'S3');
    expect([requests, fault]).toEqual([
      isAskedWhole ? 2 : 1,
      expect.objectContaining({ code: expect.stringMatching(/^REVISION_/) }),
    ]);
  });

  test.each(of(MAY_MEND))('(%s) %d is asked again, a few times', async (kind, status) => {
    const { fault, requests } = await fetchFrom(kind, (_request, response) => void response.writeHead(status).end());
    expect([requests, fault]).toEqual([TRIES[kind], expect.objectContaining({ code: 'REVISION_UNREACHABLE' })]);
  });

  test('403 because this host’s clock is wrong (S3) is asked once more, by the store’s clock', async () => {
    const laterMs = Date.now() + 3_600_000;
    const dates: string[] = [];
    const { fault, requests } = await fetchFrom('S3', (request, response) => {
      dates.push(String(request.headers['x-amz-date']));
      const text = '<Error><Code>RequestTimeTooSkewed</Code><Message>too skewed</Message></Error>';
      response.writeHead(403, { date: new Date(laterMs).toUTCString(), 'content-type': 'application/xml' }).end(text);
    });
    expect([requests, fault]).toEqual([2, expect.objectContaining({ code: 'REVISION_DENIED' })]);
    expect(dates[1]?.slice(0, 11)).toBe(new Date(laterMs).toISOString().replaceAll(/[-:]/g, '').slice(0, 11));
  });

  test('403 with a limit that passes (GitHub) is asked again', async () => {
    for (const headers of [{ 'retry-after': '1' }, { 'x-ratelimit-remaining': '0' }]) {
      const { requests } = await fetchFrom(
        'GitHub',
        (_request, response) => void response.writeHead(403, headers).end(),
      );
      expect(requests).toBe(TRIES.GitHub);
    }
  });
});

describe(`a source whose answer${leftOut('git')}`, () => {
  test.each(KINDS)('(%s) never begins, because it hangs up, is asked again', async (kind) => {
    const { fault, requests } = await fetchBytesFrom(kind, () => '', { hangsUp: true });
    expect([requests, fault]).toEqual([TRIES[kind], expect.objectContaining({ code: 'REVISION_UNREACHABLE' })]);
  });

  const LENGTHS = {
    'a negative length': 'Content-Length: -1',
    'a length that is no number': 'Content-Length: many',
    'two lengths': 'Content-Length: 3\r\nContent-Length: 300',
    'two lengths in one': 'Content-Length: 3, 300',
    'a length beside chunks': 'Content-Length: 3\r\nTransfer-Encoding: chunked',
    'a header without an end': `X-Long: ${'x'.repeat(1024 * 1024)}`,
    'no header': 'this is no HTTP',
  };
  const WEB_KINDS = KINDS.filter((kind) => kind !== 'Git');
  test.each(WEB_KINDS.flatMap((kind) => Object.keys(LENGTHS).map((what) => [kind, what] as const)))(
    '(%s) has %s is asked once',
    async (kind, what) => {
      const header = LENGTHS[what as keyof typeof LENGTHS];
      const { fault, requests } = await fetchBytesFrom(kind, () => `HTTP/1.1 200 OK\r\n${header}\r\n\r\nabc`, {
        hangsUp: true,
      });
      expect([requests, fault]).toEqual([1, expect.objectContaining({ code: 'REVISION_UNREACHABLE' })]);
    },
  );

  test.each(WEB_KINDS)('(%s) is shorter than it said is asked again', async (kind) => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\nabc';
    const { fault, requests } = await fetchBytesFrom(kind, () => answer, { hangsUp: true });
    expect([requests, fault]).toEqual([TRIES[kind], expect.objectContaining({ code: 'REVISION_UNREACHABLE' })]);
  });

  test('is longer than it said is cut there, and not what it should be', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef';
    const { fault, requests } = await fetchBytesFrom('HTTPS', () => answer, { hangsUp: true });
    expect([requests, fault]).toEqual([1, expect.objectContaining({ code: 'REVISION_DIGEST_MISMATCH' })]);
  });

  test.each(WEB_KINDS)('(%s) says that it is larger than a bundle may be is read no further', async (kind) => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\nabc';
    const limits = { maxBytes: 1_000_000 };
    const { fault, requests } = await fetchBytesFrom(kind, () => answer, { hangsUp: false }, {}, limits);
    expect([requests, fault]).toEqual([1, expect.objectContaining({ code: 'REVISION_TOO_LARGE' })]);
  });

  test.each(KINDS)('(%s) sends on to another scheme is asked once', async (kind) => {
    const { fault, requests } = await fetchFrom(
      kind,
      (_request, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    );
    const code = kind === 'S3' ? 'REVISION_UNREACHABLE' : 'REVISION_REDIRECT_REFUSED';
    expect([requests, fault]).toEqual([1, expect.objectContaining({ code })]);
  });

  test('is another object again and again is given up after two new beginnings', async () => {
    let tag = 0;
    const { fault, requests } = await fetchFrom('HTTPS', (request, response) => {
      tag += 1;
      if (request.headers['if-match'] !== undefined) response.writeHead(412).end();
      else {
        const headers = { 'content-range': 'bytes 0-65535/200000', etag: `"tag-${tag}"` };
        response.writeHead(206, headers).end(Buffer.alloc(65536));
      }
    });
    expect(fault).toMatchObject({ code: 'REVISION_CHANGED' });
    expect(requests).toBeLessThanOrEqual(3 * 5);
  });
});

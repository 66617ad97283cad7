import { describe, expect, test } from 'vitest';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import { addressOf, createS3Client } from '../../src/revision/s3.ts';
import type { RevisionContext } from '../../src/revision/types.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../support/http-server.ts';
import { revisionContext } from '../support/revision-context.ts';
import { scratchFolder } from '../support/scratch.ts';

const credentials = async () => ({ accessKeyId: 'AKIA', secretAccessKey: 'secret' });

describe('the address of a bucket', () => {
  test.each([
    [{ region: 'us-east-1' }, 'app', 'https://app.s3.us-east-1.amazonaws.com/'],
    [{ region: 'eu-west-1' }, 'with.dots', 'https://s3.eu-west-1.amazonaws.com/with.dots'],
    [{ region: 'cn-north-1' }, 'app', 'https://app.s3.cn-north-1.amazonaws.com.cn/'],
    [{ region: 'us-gov-west-1' }, 'app', 'https://app.s3.us-gov-west-1.amazonaws.com/'],
    [{ region: 'eusc-de-east-1' }, 'app', 'https://app.s3.eusc-de-east-1.amazonaws.eu/'],
    [{ region: 'us-east-1', useFipsMode: true }, 'app', 'https://app.s3-fips.us-east-1.amazonaws.com/'],
    [{ region: 'us-gov-west-1', useFipsMode: true }, 'app', 'https://app.s3-fips.us-gov-west-1.amazonaws.com/'],
    [{ region: 'us-east-1', useDualStack: true }, 'app', 'https://app.s3.dualstack.us-east-1.amazonaws.com/'],
    [{ region: 'cn-north-1', useDualStack: true }, 'app', 'https://app.s3.dualstack.cn-north-1.amazonaws.com.cn/'],
    [
      { region: 'us-east-1', useFipsMode: true, useDualStack: true },
      'app',
      'https://app.s3-fips.dualstack.us-east-1.amazonaws.com/',
    ],
    [
      { region: 'us-east-1', useFipsMode: true, useDualStack: true, s3EndpointOverride: 'http://127.0.0.1:8401' },
      'app',
      'http://127.0.0.1:8401/',
    ],
  ] satisfies [Partial<RevisionContext>, string, string][])(
    'the address of a bucket with %j, of %s, is %s',
    (settings, bucket, address) => {
      const ctx = revisionContext({ credentials, ...settings });
      const client = createS3Client(ctx, bucket);
      expect(addressOf(client, ctx, bucket).href).toBe(address);
      client.destroy();
    },
  );
});

describe('a request to a store', () => {
  const fetchFrom = async (answer: (request: ReceivedRequest, index: number) => Answer) => {
    using scratch = scratchFolder();
    await using server = await answeringServer(answer);
    const revision = {
      revisionType: 'S3',
      bucket: 'my.bucket',
      key: 'a b/ü.tgz',
      bundleType: 'tgz',
      version: 'v 1',
      eTag: null,
    } as const;
    const ctx = revisionContext({ credentials, s3EndpointOverride: server.url });
    const request = { revision, bundleFile: scratch.at('bundle.tar'), gitHubAccessToken: null };
    const error = await createBundleFetcher(ctx)(request).then(
      () => null,
      (fault: Error) => fault,
    );
    const regions = server.received.map(
      ({ headers }) => /\d{8}\/([^/]+)\/s3/.exec(headers['authorization'] ?? '')?.[1],
    );
    return { error, received: server.received, regions };
  };
  const content: Answer = { headers: { etag: '"e"' }, body: 'a bundle' };
  const fault = (status: number, code: string, rest: string, headers = {}): Answer => ({
    status,
    headers: { 'content-type': 'application/xml', ...headers },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message>${rest}</Error>`,
  });

  test('names bucket and key in the path, the version in the query, and is signed', async () => {
    const { error, received } = await fetchFrom(() => content);
    expect(error).toBeNull();
    expect(received[0]).toMatchObject({
      method: 'GET',
      path: expect.stringMatching(/^\/my\.bucket\/a%20b\/%C3%BC\.tgz\?(.*&)?versionId=v%201(&|$)/),
      headers: { authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKIA\//) },
    });
  });

  test.each<[string, Answer]>([
    [
      'a redirect that names it in a header',
      fault(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': 'eu-west-3' }),
    ],
    [
      'a redirect that names it in its text',
      fault(301, 'PermanentRedirect', '<Endpoint>my.bucket.s3-eu-west-3.amazonaws.com</Endpoint>'),
    ],
    ['a signature for another region', fault(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>')],
  ])('goes to the bucket’s region after %s', async (_, first) => {
    const { error, regions } = await fetchFrom((_request, index) => (index === 0 ? first : content));
    expect(error).toBeNull();
    expect(regions.slice(0, 2)).toEqual(['us-east-1', 'eu-west-3']);
  });

  test('is not sent from region to region for ever', async () => {
    const { error, received } = await fetchFrom(({ headers }) => {
      const other = headers['authorization']?.includes('eu-west-3') === true ? 'eu-west-1' : 'eu-west-3';
      return fault(400, 'AuthorizationHeaderMalformed', `<Region>${other}</Region>`);
    });
    expect(error).toMatchObject({ code: 'REVISION_UNREACHABLE', remedy: expect.stringContaining('another region') });
    expect(received.length).toBeLessThan(5);
  });
});

/** One fetch from a server of a test's own, whatever kind of source it plays. */
import type { RequestListener } from 'node:http';
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import type { FetchRequest, RevisionContext } from '../../src/revision/types.ts';
import { httpServer, tcpServer } from './http-server.ts';
import { revisionContext } from './revision-context.ts';
import { scratchFolder } from './scratch.ts';

export type SourceKind = 'HTTPS' | 'GitHub' | 'S3' | 'Git';

export const COMMIT = '0123456789'.repeat(4);

export interface Fetched {
  /** null: it went well. */
  readonly fault: unknown;
  /** How often the server was asked for the revision. */
  readonly requests: number;
}

/** @param sha256 of the bundle, for HTTPS; else one that fits nothing */
export async function fetchFrom(
  kind: SourceKind,
  listener: RequestListener,
  overrides: Partial<RevisionContext> = {},
  limits: Partial<FetchRequest> & { readonly sha256?: string } = {},
): Promise<Fetched> {
  let requests = 0;
  await using server = await httpServer((request, response) => {
    requests += 1;
    listener(request, response);
  });
  const fault = await fetchAt(server.url, kind, overrides, limits);
  return { fault, requests };
}

/** The same from a server that answers every connection with these bytes. @param hangsUp ends the connection behind them */
export async function fetchBytesFrom(
  kind: SourceKind,
  answer: (path: string) => string,
  { hangsUp }: { readonly hangsUp: boolean },
  overrides: Partial<RevisionContext> = {},
  limits: Partial<FetchRequest> & { readonly sha256?: string } = {},
): Promise<Fetched> {
  let requests = 0;
  await using server = await tcpServer((socket) => {
    socket.once('data', (head: Buffer) => {
      const [method, path = ''] = head.toString('latin1').split(' ');
      // HEAD asks for checksums, once for each GET.
      if (method === 'GET') requests += 1;
      const text = answer(path);
      if (hangsUp) socket.end(text, 'latin1');
      else socket.write(text, 'latin1');
    });
  });
  const fault = await fetchAt(server.url, kind, overrides, limits);
  return { fault, requests };
}

async function fetchAt(
  url: string,
  kind: SourceKind,
  overrides: Partial<RevisionContext>,
  { sha256 = '0'.repeat(64), ...limits }: Partial<FetchRequest> & { readonly sha256?: string },
): Promise<unknown> {
  using scratch = scratchFolder();
  const ctx = revisionContext({
    s3EndpointOverride: url,
    gitHubEndpoint: url,
    credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }),
    clock: { now: () => 0, sleep: async () => undefined },
    ...overrides,
  });
  const revisions = {
    HTTPS: { revisionType: 'HTTPS', url: `${url}/a.tgz`, bundleType: 'tgz', sha256 },
    GitHub: { revisionType: 'GitHub', account: 'a', repository: 'r', commitId: 'c', bundleType: 'tar' },
    S3: { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'tgz', version: null, eTag: null },
    Git: { revisionType: 'Git', url: `${url}/repo.git`, commitId: COMMIT },
  } as const;
  const request = { bundleFile: scratch.at('bundle.tar'), gitHubAccessToken: null, ...limits };
  return await createBundleFetcher(ctx)({ ...request, revision: revisions[kind] }).then(
    () => null,
    (error: unknown) => error,
  );
}

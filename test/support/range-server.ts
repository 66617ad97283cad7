import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { httpServer, type TestServer } from './http-server.ts';

/** Answer to one request, if it is not simply what was asked for. */
export interface Misbehaviour {
  /** The connection breaks after so many bytes of the body. */
  readonly breakAfter?: number;
  /** After so many bytes nothing comes any more. */
  readonly stallAfter?: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RangeServer extends TestServer {
  /** The `range` header of each request, in order; `whole` where there was none. */
  readonly ranges: readonly string[];
  readonly headers: readonly IncomingMessage['headers'][];
  content: Buffer;
  /** null: without an ETag. */
  eTag: string | null;
  supportsRanges: boolean;
  misbehave: (index: number) => Misbehaviour | null;
}

/** A web server with one file that it gives in ranges, on conditions, or badly: as a test tells it. */
export async function rangeServer(content: Buffer): Promise<RangeServer> {
  const ranges: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const running = await httpServer((request, response) => {
    const index = ranges.push(request.headers.range ?? 'whole') - 1;
    headers.push(request.headers);
    answer(server, request, response, server.misbehave(index));
  });
  const server: RangeServer = {
    ...running,
    ranges,
    headers,
    content,
    eTag: createHash('md5').update(content).digest('hex'),
    supportsRanges: true,
    misbehave: () => null,
  };
  return server;
}

function answer(
  server: RangeServer,
  request: IncomingMessage,
  response: ServerResponse,
  how: Misbehaviour | null,
): void {
  if (how?.status !== undefined) {
    response.writeHead(how.status, how.headers ?? {}).end('no');
    return;
  }
  const { content, eTag } = server;
  if (eTag !== null) response.setHeader('etag', `"${eTag}"`);
  const wanted = request.headers['if-match'];
  if (wanted !== undefined && wanted !== `"${eTag}"`) {
    response.writeHead(412).end();
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const isRange = server.supportsRanges && from !== undefined;
  if (isRange && Number(from) >= content.length) {
    response.writeHead(416).end();
    return;
  }
  const start = isRange ? Number(from) : 0;
  const end = isRange ? Math.min(Number(to) + 1, content.length) : content.length;
  if (isRange) response.setHeader('content-range', `bytes ${start}-${end - 1}/${content.length}`);
  response.writeHead(isRange ? 206 : 200, { 'content-length': end - start, ...how?.headers });
  const stop = how?.breakAfter ?? how?.stallAfter;
  if (stop === undefined) {
    response.end(content.subarray(start, end));
    return;
  }
  const sent = content.subarray(start, Math.min(end, start + stop));
  const then = () => {
    if (how?.breakAfter !== undefined) response.socket?.destroySoon();
  };
  if (sent.length === 0) {
    response.flushHeaders();
    then();
  } else response.write(sent, then);
}

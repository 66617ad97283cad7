/** Bounds on a store's error answers: a few KiB say what is wrong. The rest of a longer or slower answer is not read. */
import { Readable } from 'node:stream';

const MAX_ERROR_BYTES = 16 * 1024;
const ERROR_MS = 5_000;
const REGION = /^[a-z0-9-]{1,20}$/;

interface StoreAnswer {
  readonly statusCode: number;
  headers: Record<string, string>;
  body?: unknown;
}

/** The part of the SDK's handler of requests that is put between. */
export interface RequestHandler {
  handle(request: never, options?: never): Promise<{ readonly response: StoreAnswer }>;
}

/** Makes a handler read the body of an error itself, so that the SDK parses no more than these few KiB. */
export function boundErrors(handler: RequestHandler): void {
  const handle = handler.handle.bind(handler);
  handler.handle = async (request, options) => {
    const result = await handle(request, options);
    const { response } = result;
    if (response.statusCode < 300) return result;
    // The SDK makes a host name of it.
    const region = response.headers['x-amz-bucket-region'];
    if (region !== undefined && !REGION.test(region)) delete response.headers['x-amz-bucket-region'];
    response.body = Readable.from([await errorText(response.body)]);
    return result;
  };
}

/** @returns nothing where it is too long, too slow, or has declarations of its own, which errors of S3 never have */
async function errorText(body: unknown): Promise<Buffer> {
  const nothing = Buffer.alloc(0);
  if (!(body instanceof Readable)) return nothing;
  const timer = setTimeout(() => body.destroy(), ERROR_MS);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ERROR_BYTES) return nothing;
      chunks.push(chunk);
    }
  } catch {
    return nothing;
  } finally {
    clearTimeout(timer);
    body.on('error', () => undefined).destroy();
  }
  const text = Buffer.concat(chunks);
  return text.includes('<!') ? nothing : text;
}

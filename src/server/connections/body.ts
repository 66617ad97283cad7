import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, serviceUnavailable } from '../../protocol/errors.ts';
import type { ConnectionLimits } from './limits.ts';

/**
 * Reads a whole body into memory, within the bounds of the request, of its sender's address and of the server.
 *
 * @throws ApiError SerializationException: 413 for a body that is too large, 400 when the client hangs up. RequestTimeoutException (408)
 * for a body that takes too long. ServiceUnavailable (503) while too many others are being read
 */
export type BodyReader = (request: IncomingMessage, response: ServerResponse, maxBytes: number) => Promise<Buffer>;

export function createBodyReader(
  limits: Pick<ConnectionLimits, 'bodyBytes' | 'bodyBytesPerAddress' | 'bodyMs'>,
  clientOf: (request: IncomingMessage) => string,
): BodyReader {
  /** Bytes held for bodies that are not complete yet. */
  const held = new Map<string, number>();
  let heldInAll = 0;
  const hold = (client: string, bytes: number) => {
    const own = (held.get(client) ?? 0) + bytes;
    if (own === 0) held.delete(client);
    else held.set(client, own);
    heldInAll += bytes;
    return own <= limits.bodyBytesPerAddress && heldInAll <= limits.bodyBytes;
  };

  return async (request, response, maxBytes) => {
    const tooLarge = () =>
      new ApiError('SerializationException', `The body is larger than ${maxBytes} bytes.`, { status: 413 });
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
    if (request.headers.expect !== undefined) response.writeContinue();
    const client = clientOf(request);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const over = Promise.withResolvers<Buffer>();
    const timer = setTimeout(() => over.reject(tooSlow(limits.bodyMs)), limits.bodyMs);
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (!hold(client, chunk.length)) over.reject(serviceUnavailable('The server is receiving too many requests.'));
      else if (bytes > maxBytes) over.reject(tooLarge());
    };
    // Nobody reads this answer; as an error of the API it is not taken for a fault of the server.
    const onEnd = () => {
      request.off('close', onBroken);
      over.resolve(Buffer.concat(chunks, bytes));
    };
    const onBroken = () => over.reject(new ApiError('SerializationException', 'The body ends too early.'));
    request.on('data', onData).once('end', onEnd).once('error', onBroken).once('close', onBroken);
    // A client that hung up while its request waited for its turn is not heard of any more.
    if (request.destroyed) onBroken();
    try {
      return await over.promise;
    } finally {
      clearTimeout(timer);
      // What still comes of a body that is refused is dropped as it comes.
      // A request that is held, or refused and still sending, keeps what listens to it, and would keep its body with that.
      request.off('data', onData).off('end', onEnd).off('close', onBroken).off('error', onBroken);
      request.on('error', ignore).resume();
      hold(client, -bytes);
    }
  };
}

function ignore(): void {}

function tooSlow(limitMs: number): ApiError {
  return new ApiError('RequestTimeoutException', `The body has not come within ${limitMs / 1000} s.`, { status: 408 });
}

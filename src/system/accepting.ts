/** What both servers of HTTP here say to Node about clients that connect and then say nothing, and about connections that fail. */
import type { Server } from 'node:net';
import { messageOf, systemErrorCode } from '../errors.ts';

/** Options for `createServer` of `node:http` and `node:https`; milliseconds. */
export const SILENCE_LIMITS = {
  /** From the beginning of a connection, or of a request's first byte, to the end of its head. */
  headersTimeout: 10_000,
  /** For TLS alone. */
  handshakeTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
} as const;

/**
 * Goes on when a connection cannot be accepted, and says why. Without a listener Node would end the process.
 *
 * @param say called for each such connection; it should repeat itself seldom
 */
export function surviveFailedAccepts(server: Server, say: (message: string) => void): void {
  server.on('error', (error) => {
    // Faults before that are those of `listen`, which its caller hears.
    if (!server.listening) return;
    const code = systemErrorCode(error);
    const isOutOfFiles = code === 'EMFILE' || code === 'ENFILE';
    const why = isOutOfFiles ? 'the limit on open files is reached (LimitNOFILE, ulimit -n)' : messageOf(error);
    say(`connections cannot be accepted: ${why}`);
  });
}

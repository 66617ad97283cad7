import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';

/** Time in ms to read the other side's last words after a write has failed: they are on this machine already, or were lost. */
const LAST_WORDS_MS = 1000;

/**
 * Connections for uploads. A store may refuse a bundle in the middle of it, and close; the next write then fails, while the answer waits
 * to be read. Node ends a connection at a failed write; these are read to their end first.
 */
export function agentsThatHearOut(): { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent } {
  return { httpAgent: new HearingHttpAgent(), httpsAgent: new HearingHttpsAgent() };
}

class HearingHttpAgent extends HttpAgent {
  override createConnection(...args: Parameters<HttpAgent['createConnection']>): Duplex | null | undefined {
    return hearOut(super.createConnection(...args));
  }
}

class HearingHttpsAgent extends HttpsAgent {
  override createConnection(...args: Parameters<HttpsAgent['createConnection']>): Duplex | null | undefined {
    return hearOut(super.createConnection(...args));
  }
}

type WriteCallback = (error?: Error | null) => void;

/** A failed write is told only when nothing more can be read, or after a while: told at once, it would drop what comes. */
function hearOut(connection: Duplex | null | undefined): Duplex | null | undefined {
  if (connection === null || connection === undefined) return connection;
  const held = (callback: WriteCallback): WriteCallback => {
    return (error) => {
      if (!error || connection.readableEnded) return callback(error);
      const tell = () => {
        clearTimeout(timer);
        connection.off('end', tell).off('close', tell);
        callback(error);
      };
      const timer = setTimeout(tell, LAST_WORDS_MS);
      connection.once('end', tell).once('close', tell);
    };
  };
  const write = connection._write.bind(connection);
  const writeMany = connection._writev?.bind(connection);
  connection._write = (chunk, encoding, callback) => write(chunk, encoding, held(callback));
  if (writeMany !== undefined) connection._writev = (chunks, callback) => writeMany(chunks, held(callback));
  return connection;
}

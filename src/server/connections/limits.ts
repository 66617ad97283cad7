/** Limits on connections. Pure. */

/**
 * Connections that may wait to be accepted at a door: a fleet comes back at once. The kernel's own limit (net.core.somaxconn, 4096 by
 * default) counts as well; Node's default of 511 makes the others wait for seconds.
 */
export const BACKLOG = 4096;

/** Limits on what one client, one address and all together may take of the server, and for how long. */
export interface ConnectionLimits {
  /** Connections at both doors together. */
  readonly connections: number;
  /** Connections of one address that have not sent a whole request head yet. */
  readonly silentPerAddress: number;
  /** Connections that stay open after an answer and are never sent away, of one access key. */
  readonly knownPerKey: number;
  /** Bytes of bodies of the API that are being received: of one address, and in all. */
  readonly bodyBytesPerAddress: number;
  readonly bodyBytes: number;
  /** Requests of one connection that wait for their answers. Clients that wait for one before the next have one. */
  readonly pipelined: number;
  readonly headerBytes: number;
  readonly headerLines: number;
  readonly handshakeMs: number;
  /** From the beginning of a connection, or of a request's first byte, to the end of its head. */
  readonly headMs: number;
  /** A body must bring `leastBytesPerSecond` in each window of this length; so must a reader take them. */
  readonly windowMs: number;
  readonly leastBytesPerSecond: number;
  /** For the whole body of an API request. */
  readonly bodyMs: number;
  /** Longer than proxies in front usually have, so that it is never the server that hangs up on a request under way. */
  readonly keepAliveMs: number;
  /** How long what a refused client still sends is thrown away, so that it reads the answer before the connection breaks. */
  readonly lingerMs: number;
  /** How often all connections are looked at. */
  readonly lookEveryMs: number;
}

const MIB = 1024 * 1024;
/** For the database, the log, and the files of the revision store. */
const SPARE_FILES = 256;
/** More than any fleet has; each costs some ten thousand bytes. */
const MOST_CONNECTIONS = 32_768;
/** A fleet behind one address that comes back all at once is silent until its TLS handshakes are done. */
const MOST_SILENT_PER_ADDRESS = 4_096;

/** A host needs about ten, a script that deploys much some hundred. */
const MOST_KNOWN_PER_KEY = 1_024;

/** @param openFiles how many files and connections the system lets this process have; null: not known */
export function connectionLimits(openFiles: number | null): ConnectionLimits {
  const files = openFiles ?? 1024;
  const connections = Math.min(MOST_CONNECTIONS, Math.max(files - SPARE_FILES, Math.floor(files / 2)));
  return {
    connections,
    silentPerAddress: Math.min(MOST_SILENT_PER_ADDRESS, Math.ceil(connections / 2)),
    knownPerKey: Math.min(MOST_KNOWN_PER_KEY, Math.ceil(connections / 4)),
    bodyBytesPerAddress: 16 * MIB,
    bodyBytes: 64 * MIB,
    pipelined: 4,
    headerBytes: 16 * 1024,
    headerLines: 200,
    handshakeMs: 10_000,
    headMs: 10_000,
    windowMs: 30_000,
    leastBytesPerSecond: 1024,
    bodyMs: 60_000,
    keepAliveMs: 75_000,
    lingerMs: 2_000,
    lookEveryMs: 2_000,
  };
}

/** The control server: makes the real context, migrates, listens. */

import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { createHostCommandService } from './commands/host-commands.ts';
import { createConnections } from './connections/connections.ts';
import { connectionLimits } from './connections/limits.ts';
import { areFilesUsedUp, openFilesLimit } from './connections/open-files.ts';
import { openDataFolder } from './data-folder.ts';
import { type Engine, startEngine } from './engine/engine.ts';
import { neededObjects } from './engine/needed-objects.ts';
import { startPowerWatch } from './engine/power-watch.ts';
import { type RetentionPeriods, startRetention } from './engine/retention.ts';
import { createWaiters } from './engine/waiters.ts';
import { createHttpServer, type HttpServer } from './http/http-server.ts';
import { createQueryDoor } from './http/query-door.ts';
import { openSealer } from './open-sealer.ts';
import { listenForRevisions, type S3Listener } from './s3/s3-listener.ts';
import { createRevisionDoor } from './s3/s3-server.ts';
import { createTransfers } from './s3/transfers.ts';
import { openSigning } from './signing.ts';
import { findAccessKey, findKnownAccessKey } from './store/access-keys.ts';
import { openStore, type Store } from './store/store.ts';
import { requireTlsFiles } from './tls-files.ts';

export interface ServerOptions {
  readonly dataDir: string;
  /** PostgreSQL; else the embedded database in the data folder. */
  readonly databaseUrl?: string;
  readonly host: string;
  readonly port: number;
  /** A port of its own for the S3 API, which else answers on the one address with everything. */
  readonly s3Listen?: { readonly host: string; readonly port: number };
  /** The S3 API as hosts see it, where it is at another address than the one that they know. */
  readonly publicS3Endpoint?: string;
  /** Host name behind those of buckets (`BUCKET.domain`); without it every request names its bucket in the path. */
  readonly s3Domain?: string;
  readonly region: string;
  readonly accountId: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** How long what has ended is kept; without it for ever. */
  readonly retention?: RetentionPeriods;
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RunningServer {
  readonly url: string;
  /** The same, unless the S3 API has a port of its own. */
  readonly s3Url: string;
  close(): Promise<void>;
}

/** Where `slipway push` puts revisions unless told otherwise. */
export const REVISION_BUCKET = 'revisions';

const KEEP_ALL: RetentionPeriods = { deploymentsMs: null, diagnosticsMs: null, revisionsMs: null };

/** @throws SlipwayError SERVER_… when something that the start needs is missing; nothing runs then */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { dataDir, clock, random, log } = options;
  if (options.tls !== undefined) requireTlsFiles(options.tls);
  const lock = openDataFolder(dataDir);
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    for (const part of opened.reverse()) await part.close();
    lock.release();
  };
  try {
    const store: Store = await openStore(
      options.databaseUrl === undefined ? { dataDir } : { databaseUrl: options.databaseUrl },
      log,
    );
    opened.push(store);
    const { sealer, lostKeys } = await openSealer({ store, dataDir, random });
    if (lostKeys.length > 0) {
      log.warn('access keys were not sealed with this master key and cannot be used; make new ones', { lostKeys });
    }
    const findKey = (accessKeyId: string) => findAccessKey(store.db, sealer, accessKeyId);
    const signing = await openSigning({ store, sealer, dataDir, clock, random });
    const waiters = createWaiters();
    const base = { store, waiters, clock, random, log };
    const engine: Engine = await startEngine(base);
    opened.push(engine);
    const transfers = createTransfers();
    opened.push(
      startPowerWatch({ ...base, transfers }),
      startRetention({ ...base, periods: options.retention ?? KEEP_ALL }),
    );
    const tls = options.tls ?? null;
    const connections = createConnections({
      ...{ limits: connectionLimits(openFilesLimit()), clock, log, areFilesUsedUp },
    });
    const revisions = createRevisionDoor({
      ...{ dataDir, findKey, transfers, clock, random, log, connections, tls, buckets: [REVISION_BUCKET] },
      neededBy: (hostArn) => neededObjects(store.db, hostArn),
      isShared: options.databaseUrl !== undefined,
      accountId: options.accountId,
      names: namesOf(options),
      domain: options.s3Domain ?? null,
    });
    opened.push(revisions);
    const s3: S3Listener | null =
      options.s3Listen === undefined
        ? null
        : await listenForRevisions({ connections, tls }, options.s3Listen, revisions.answer);
    if (s3 !== null) opened.push(s3);
    const findKnownKey = (accessKeyId: string) => findKnownAccessKey(store.db, sealer, accessKeyId);
    const identity = createQueryDoor({
      ...{ findKey: findKnownKey, clock, random, log, connections },
      identity: { ...base, engine, sealer, accountId: options.accountId },
    });
    const http: HttpServer = createHttpServer({
      api: {
        store,
        engine,
        waiters,
        sealer,
        clock,
        random,
        region: options.region,
        accountId: options.accountId,
        server: {
          version: options.version,
          s3Endpoint: options.publicS3Endpoint ?? null,
          revisionBucket: REVISION_BUCKET,
          signerCaCertificatePem: signing.caCertificatePem,
        },
      },
      hostCommands: createHostCommandService({ ...base, engine, accountId: options.accountId, signer: signing.signer }),
      findKey: findKnownKey,
      clock,
      random,
      log,
      connections,
      doors: { identity, revisions: revisions.answer },
      tls,
    });
    const url = await http.listen(options.host, options.port);
    opened.push(http, connections);
    const s3Url = s3?.url ?? url;
    log.info('the control server is ready', { url, s3Url, dataDir, database: store.dialect });
    return { url, s3Url, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Host names by which this server is known to be reached. */
function namesOf({ host, s3Listen, publicS3Endpoint, s3Domain }: ServerOptions): readonly string[] {
  const publicName = URL.parse(publicS3Endpoint ?? '')?.hostname;
  return [host, s3Listen?.host, publicName, s3Domain].flatMap((name) => name?.toLowerCase() ?? []);
}

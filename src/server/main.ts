/** The control server: makes the real context, migrates, listens. */

import { accessSync, constants, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import { takeInstanceLock } from '../system/instance-lock.ts';
import type { Random } from '../system/random.ts';
import { shellCommand } from '../system/shell-word.ts';
import { createConnections } from './connections/connections.ts';
import { connectionLimits } from './connections/limits.ts';
import { areFilesUsedUp, openFilesLimit } from './connections/open-files.ts';
import { type Engine, startEngine } from './engine/engine.ts';
import { createHostCommandService } from './engine/host-commands.ts';
import { neededObjects } from './engine/needed-objects.ts';
import { startPowerWatch } from './engine/power-watch.ts';
import { startRetention } from './engine/retention.ts';
import { createWaiters } from './engine/waiters.ts';
import { createHttpServer, type HttpServer } from './http/http-server.ts';
import { openSealer } from './open-sealer.ts';
import { createS3Server, type S3Server } from './s3/s3-server.ts';
import { createTransfers } from './s3/transfers.ts';
import { openSigning } from './signing.ts';
import { findAccessKey, findKnownAccessKey } from './store/access-keys.ts';
import { openStore, type Store } from './store/store.ts';

export interface ServerOptions {
  readonly dataDir: string;
  /** PostgreSQL; else the embedded database in the data folder. */
  readonly databaseUrl?: string;
  readonly host: string;
  readonly port: number;
  readonly s3Host: string;
  readonly s3Port: number;
  /** The S3 API as hosts see it; else the address listened on. */
  readonly publicS3Endpoint?: string;
  readonly region: string;
  readonly accountId: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly version: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RunningServer {
  readonly url: string;
  readonly s3Url: string;
  close(): Promise<void>;
}

/** Where `slipway push` puts revisions unless told otherwise. */
export const REVISION_BUCKET = 'revisions';

/** @throws SlipwayError SERVER_… when something that the start needs is missing; nothing runs then */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { dataDir, clock, random, log } = options;
  for (const file of [options.tls?.certFile, options.tls?.keyFile]) if (file !== undefined) requireReadable(file);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = takeInstanceLock(
    join(dataDir, 'server.lock'),
    (pid) => new SlipwayError('SERVER_ALREADY_RUNNING', `a server works on ${dataDir} already, with PID ${pid}`),
  );
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
    opened.push(startPowerWatch({ ...base, transfers }), startRetention(base));
    const tls = options.tls ?? null;
    const connections = createConnections({
      ...{ limits: connectionLimits(openFilesLimit()), clock, log, areFilesUsedUp },
    });
    const s3: S3Server = createS3Server({
      ...{ dataDir, findKey, transfers, clock, random, log, connections, tls, buckets: [REVISION_BUCKET] },
      neededBy: (hostArn) => neededObjects(store.db, hostArn),
      publicEndpoint: options.publicS3Endpoint ?? null,
    });
    const s3Url = await s3.listen(options.s3Host, options.s3Port);
    opened.push(s3);
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
          s3Endpoint: options.publicS3Endpoint ?? s3Url,
          revisionBucket: REVISION_BUCKET,
          signerCaCertificatePem: signing.caCertificatePem,
        },
      },
      hostCommands: createHostCommandService({ ...base, engine, accountId: options.accountId, signer: signing.signer }),
      findKey: (accessKeyId) => findKnownAccessKey(store.db, sealer, accessKeyId),
      clock,
      random,
      log,
      connections,
      tls,
    });
    const url = await http.listen(options.host, options.port);
    opened.push(http, connections);
    log.info('the control server is ready', { url, s3Url, dataDir, database: store.dialect });
    return { url, s3Url, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** A certificate or key that the server's own user cannot use: better said by name than as a fault of the system. */
function requireReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') {
      const remedy = 'Check the paths behind --tls-cert and --tls-key.';
      throw new SlipwayError('CONFIG_MISSING', `the TLS file ${file} does not exist`, { cause, remedy });
    }
    const { username } = userInfo();
    throw new SlipwayError(
      'CONFIG_UNREADABLE',
      `the TLS file ${file} cannot be read by the user ${username}: ${messageOf(cause)}`,
      {
        cause,
        remedy: `Let that user read it: ${shellCommand('chown', `root:${username}`, file)} && ${shellCommand('chmod', '640', file)}. The folders on the way must be open to it, too.`,
      },
    );
  }
}

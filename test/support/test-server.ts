import { join } from 'node:path';
import { silentLogger } from '../../src/logging/logger.ts';
import { type ServerOptions, startServer } from '../../src/server/main.ts';
import { openKeyStore } from '../../src/server/secrets/key-store.ts';
import type { Role } from '../../src/server/store/schema.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';
import { putNewServer } from './new-data-folder.ts';
import { suiteDatabase } from './suite-database.ts';

/** A control server inside the test's own process, with real sockets, a real database, and keys of any role. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly s3Url: string;
  /** null: it was not asked for. */
  readonly metricsUrl: string | null;
  disable(accessKeyId: string): Promise<void>;
  key(role: Role, hostArn?: string): Promise<{ accessKeyId: string; secretAccessKey: string }>;
}

/** @param databaseUrl a PostgreSQL database; else the suite's */
export async function testServer(
  dataDir: string,
  databaseUrl = suiteDatabase(dataDir),
  tls?: { readonly certFile: string; readonly keyFile: string },
  addresses: Pick<
    ServerOptions,
    | 's3Listen'
    | 's3Domain'
    | 'publicS3Endpoint'
    | 'metricsListen'
    | 'loadBalancersFile'
    | 'awsRegion'
    | 'webhooksFile'
    | 'fleetsFile'
    | 'hooksFile'
    | 'oidcFile'
    | 'trafficMinuteMs'
    | 'takesSeveralPairs'
    | 'rates'
    | 'trustedProxies'
  > &
    Partial<Pick<ServerOptions, 'consoleDir' | 'clock'>> = {},
): Promise<TestServer> {
  if (databaseUrl === null) await putNewServer(dataDir);
  const database = databaseUrl === null ? {} : { databaseUrl };
  const options = { dataDir, ...database, clock: systemClock, random: systemRandom };
  const server = await startServer({
    ...options,
    ...{ host: '127.0.0.1', port: 0, consoleDir: join(dataDir, 'no-console'), ...addresses },
    ...{ region: 'us-east-1', accountId: '000000000000', version: '0.0.0-test', log: silentLogger },
    ...(tls === undefined ? {} : { tls }),
  });
  return {
    url: server.url,
    s3Url: server.s3Url,
    metricsUrl: server.metricsUrl,
    async disable(accessKeyId) {
      const keys = await openKeyStore({ ...options, mayBeNew: false });
      try {
        await keys.disable(accessKeyId);
      } finally {
        await keys.close();
      }
    },
    async key(role, hostArn) {
      const keys = await openKeyStore({ ...options, mayBeNew: false });
      try {
        return await keys.create({ role, hostArn: hostArn ?? null, description: 'for a test' });
      } finally {
        await keys.close();
      }
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

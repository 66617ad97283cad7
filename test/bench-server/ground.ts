/** Ground of a part of the bench: a server as a process of its own, with hosts in its database. */
import { mkdirSync, readFileSync } from 'node:fs';
import { trustAuthorities } from '../../src/system/trust.ts';
import { privateCertificates } from '../support/certificates.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type ControlServer, startControlServer } from '../support/slipway.ts';
import { builtServer } from './built-server.ts';
import { seedHosts } from './seed.ts';
import type { WireHost, WireServer } from './wire.ts';

/** For one key that asks as fast as it is answered. */
export const UNLIMITED = ['--rate-per-key', 'none', '--rate-per-address', 'none'] as const;

export interface Ground extends AsyncDisposable {
  readonly server: ControlServer;
  readonly wire: WireServer;
  readonly hosts: readonly WireHost[];
}

export interface GroundRequest {
  readonly hosts: number;
  readonly https: boolean;
  /** null: SQLite. */
  readonly postgres: PostgresCluster | null;
  /** Where the server writes a CPU profile when it ends; null: it writes none. */
  readonly profileDir: string | null;
  /** Address of the server's metrics; left out: it has none. */
  readonly metricsListen?: string;
}

export async function prepareGround(request: GroundRequest): Promise<Ground> {
  const { hosts, https, postgres, profileDir, metricsListen } = request;
  const scratch = scratchFolder();
  const dataDir = scratch.at('data');
  mkdirSync(dataDir, { mode: 0o700 });
  const databaseUrl = await postgres?.createDatabase();
  const names = Array.from({ length: hosts }, (_, index) => `host-${index}`);
  const location = databaseUrl === undefined ? { dataDir } : { databaseUrl };
  const seeded = await seedHosts(location, dataDir, names);
  const args = databaseUrl === undefined ? [] : ['--database', databaseUrl];
  const certificates = https ? await privateCertificates(scratch.path) : null;
  if (certificates !== null) {
    await trustAuthorities({ env: {}, caFile: certificates.caFile });
    args.push('--tls-cert', certificates.certFile, '--tls-key', certificates.keyFile);
  }
  if (metricsListen !== undefined) args.push('--metrics-listen', metricsListen);
  const env = profileDir === null ? {} : { NODE_OPTIONS: `--cpu-prof "--cpu-prof-dir=${profileDir}"` };
  const server = await startControlServer(dataDir, undefined, args, env, await builtServer(scratch));
  return {
    server,
    wire: { url: server.url, ca: certificates === null ? null : readFileSync(certificates.caFile, 'utf8') },
    hosts: seeded,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

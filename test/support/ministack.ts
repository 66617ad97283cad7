/** ministack, an emulator of AWS whose functions of Lambda really run. `test/support/install-ministack.sh` installs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

const FOLDER = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'slipway-tests', 'ministack');
export const HAS_MINISTACK = existsSync(join(FOLDER, 'installed'));

export interface Ministack extends AsyncDisposable {
  readonly url: string;
  /** Environment in which AWS' SDKs ask it about functions. */
  readonly env: Readonly<Record<string, string>>;
}

/** @param folder for what it keeps */
export async function startMinistack(folder: string): Promise<Ministack> {
  const port = await freePort();
  const env = { ...process.env, BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), S3_DATA_DIR: folder };
  const child = spawn(join(FOLDER, 'bin', 'ministack'), [], { env, cwd: folder, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`ministack ended with ${child.exitCode}`);
    return fetch(url, { headers: { connection: 'close' } }).then(
      () => true,
      () => false,
    );
  });
  return {
    url,
    env: {
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** It has no way to tell which port it has chosen, so it is given one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

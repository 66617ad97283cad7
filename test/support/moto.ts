/** moto, an emulator of AWS with its state in memory. `test/support/install-moto.sh` installs it; its account is 123456789012. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describeIf } from './needs.ts';

const FOLDER = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'slipway-tests', 'moto');
const IS_INSTALLED = existsSync(join(FOLDER, 'installed'));
/** Characters of its log that are kept, for the message of a failed start. */
const MAX_SAID = 20_000;

/** Runs a group of tests where moto is installed; elsewhere its name in the report says what is missing. */
export const describeWithMoto = describeIf(IS_INSTALLED, 'moto (test/support/install-moto.sh)');

/** A moto of a test's own on a free port of this machine; it ends when the test lets go of it. */
export interface Moto extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /**
   * Environment in which AWS' SDKs and the AWS CLI talk to this moto alone, whatever the machine is configured for.
   *
   * @param services as in `AWS_ENDPOINT_URL_<SERVICE>`: SNS, CLOUDWATCH, EC2, AUTO_SCALING; left out: every service
   */
  env(...services: readonly string[]): Record<string, string>;
  /** Forgets everything that was made in it. */
  reset(): Promise<void>;
}

export async function startMoto(): Promise<Moto> {
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'];
  // With a port of 0 only its log says where it listens.
  const moto = spawn(join(FOLDER, 'bin', 'python'), args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  const ended = new Promise<void>((resolve) => moto.once('exit', () => resolve()));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    moto.once('error', reject);
    moto.once('exit', (code) => reject(new Error(`moto ended with ${code}: ${said}`)));
    // Read to the end: a pipe that is full would hold moto up.
    moto.stderr.on('data', (chunk: Buffer) => {
      if (said.length < MAX_SAID) said += chunk.toString();
      const [address] = /http:\/\/127\.0\.0\.1:\d+\b/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
  return {
    url,
    env(...services) {
      const names = services.length === 0 ? ['AWS_ENDPOINT_URL'] : services.map((name) => `AWS_ENDPOINT_URL_${name}`);
      return {
        ...Object.fromEntries(names.map((name) => [name, url])),
        AWS_ACCESS_KEY_ID: 'AKIAMOTOMOTOMOTOMOTO',
        AWS_SECRET_ACCESS_KEY: 'of-moto',
        AWS_REGION: 'us-east-1',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      };
    },
    async reset() {
      const answer = await fetch(`${url}/moto-api/reset`, { method: 'POST', headers: { connection: 'close' } });
      if (!answer.ok) throw new Error(`moto answered ${answer.status} to a reset`);
    },
    async [Symbol.asyncDispose]() {
      moto.kill('SIGKILL');
      await ended;
    },
  };
}

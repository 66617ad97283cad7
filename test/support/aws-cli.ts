/** The real AWS command line, unmodified. */
import { execa, execaSync } from 'execa';
import type { Environment } from './slipway.ts';

const PLACES = ['aws', '/usr/bin/aws'] as const;
const versionOf = (aws: string) => execaSync(aws, ['--version'], { reject: false });

/** The first that works: what a PATH calls `aws` may be the stub of a version manager that has none; null: there is none. */
export const AWS: string | null = PLACES.find((aws) => !versionOf(aws).failed) ?? null;

/** The first that knows AWS_ENDPOINT_URL: an older one would ask Amazon. Null: there is none. */
export const AWS_BY_VARIABLE: string | null = PLACES.find((aws) => knowsVariable(versionOf(aws).stdout)) ?? null;

/** Names it where it is missing. */
export const AWS_NEEDED = 'the AWS command line, aws, from 1.29 or 2.13 on';

/** @param text what `aws --version` says */
function knowsVariable(text: string | undefined): boolean {
  const [, major, minor] = /^aws-cli\/(\d+)\.(\d+)\./.exec(text ?? '') ?? [];
  return (Number(major) === 1 && Number(minor) >= 29) || (Number(major) === 2 && Number(minor) >= 13);
}

export interface AwsAnswer {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `aws WORDS` with no other address than the one variable, no profile and no retries.
 *
 * @param env a key, as `ControlServer.env` has it
 */
export async function aws(
  server: { readonly url: string },
  env: Environment,
  words: readonly string[],
  cwd?: string,
): Promise<AwsAnswer> {
  const { exitCode, stdout, stderr } = await execa(AWS_BY_VARIABLE ?? '', words, {
    env: {
      ...env,
      AWS_ENDPOINT_URL: server.url,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_DEFAULT_OUTPUT: 'json',
      AWS_PAGER: '',
      AWS_MAX_ATTEMPTS: '1',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
    ...(cwd === undefined ? {} : { cwd }),
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

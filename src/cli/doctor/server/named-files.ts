/**
 * The files that say what names of load balancers, alarms, webhooks and hooks mean, which programs make hosts, and who signs people in: whether the
 * server's user can read them, and understands them.
 */
import { isSlipwayError, messageOf } from '../../../errors.ts';
import { readAlarmsFile } from '../../../server/outside/alarms-file.ts';
import { createAwsClients } from '../../../server/outside/aws/aws.ts';
import { readBalancersFile } from '../../../server/outside/balancers-file.ts';
import { readFleetsFile } from '../../../server/outside/fleets-file.ts';
import { readHooksFile } from '../../../server/outside/hooks-file.ts';
import { readOidcFile } from '../../../server/outside/oidc/settings.ts';
import { readWebhooksFile } from '../../../server/outside/webhooks-file.ts';
import type { Clock } from '../../../system/clock.ts';
import { shellCommand } from '../../../system/shell-word.ts';
import type { ServerOptions } from '../../server-options.ts';
import { canReadAs } from '../access.ts';
import { type Finding, fail, ok } from '../check.ts';

interface NamedFile {
  readonly check: string;
  readonly file: string | undefined;
  /** How many things the file names. @throws SlipwayError */
  read(file: string): number;
  /** Other files that it names and the server reads. */
  others?(file: string): readonly string[];
}

/** @param user that the server runs as; null: the user who asks stands for it */
export function lookAtNamedFiles(
  { loadBalancers, alarms, webhooks, fleets, hooks, oidc, awsRegion }: ServerOptions,
  user: string | null,
  clock: Pick<Clock, 'now'>,
): Finding[] {
  const aws = awsRegion === undefined ? null : createAwsClients(awsRegion, { clock, env: {} });
  const files: readonly NamedFile[] = [
    { check: 'load balancers', file: loadBalancers, read: (file) => readBalancersFile(file, { clock, aws }).size },
    { check: 'alarms', file: alarms, read: (file) => readAlarmsFile(file, awsRegion ?? null).size },
    { check: 'webhooks', file: webhooks, read: (file) => readWebhooksFile(file, clock).size },
    { check: 'fleets', file: fleets, read: (file) => readFleetsFile(file).size },
    { check: 'hooks', file: hooks, read: (file) => readHooksFile(file, clock).size },
    { check: 'single sign-on', file: oidc, read: (file) => readOidcFile(file).rules.length, others: secretsOf },
  ];
  return files.flatMap(({ file, ...named }) => (file === undefined ? [] : [lookAt({ ...named, file }, user)]));
}

function secretsOf(oidc: string): readonly string[] {
  return [readOidcFile(oidc).clientSecretFile];
}

function lookAt({ check, file, read, others }: NamedFile & { readonly file: string }, user: string | null): Finding {
  try {
    const count = read(file);
    const closed = user === null ? undefined : [file, ...(others?.(file) ?? [])].find((one) => !mayRead(one, user));
    if (user !== null && closed !== undefined) {
      const command = shellCommand('chgrp', user, closed);
      return fail(check, `${closed} cannot be read by ${user}`, `\`${command}\`, and let the group read it.`);
    }
    return ok(check, `${file} names ${count}`);
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    return fail(check, messageOf(error), error.remedy);
  }
}

function mayRead(file: string, user: string): boolean {
  return canReadAs(file, user) !== false;
}

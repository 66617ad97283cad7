import { statSync } from 'node:fs';
import { readAwsCredentials } from '../config/aws-credentials.ts';
import { loadOnPremises } from '../config/on-premises.ts';
import { SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { CredentialProvider, Credentials } from '../protocol/sigv4/credentials.ts';
import type { Clock } from '../system/clock.ts';
import { type InstanceMetadata, metadataDeadline, parseMetadata } from './instance-metadata.ts';

/** A name of IAM. */
const ROLE = /^[\w+=,.@-]{1,128}$/;

interface Expiring {
  readonly credentials: Credentials;
  readonly expiresAtMs: number;
}

/** Asked for anew this long before they run out. */
const REFRESH_BEFORE_MS = 5 * 60 * 1000;
/** Assumed lifetime of credentials that another program refreshes, in ms. */
const SESSION_FILE_MS = 30 * 60 * 1000;
const BETWEEN_ATTEMPTS_MS = 60 * 1000;

/**
 * Keeps credentials until shortly before they expire, or until `hasChanged` says that there are others. If new ones cannot be had, the old
 * ones serve until they really expire.
 */
function refreshed(
  fetch: () => Promise<Expiring>,
  clock: Pick<Clock, 'now'>,
  hasChanged: () => boolean = () => false,
): CredentialProvider {
  let current: Expiring | null = null;
  let nextAttemptMs = 0;
  // Calls at the same time wait for one answer.
  let asking: Promise<Expiring> | null = null;
  return async () => {
    const now = clock.now();
    const changed = hasChanged();
    if (current !== null && !changed && now < current.expiresAtMs - REFRESH_BEFORE_MS) return current.credentials;
    if (current !== null && !changed && now < nextAttemptMs && now < current.expiresAtMs) return current.credentials;
    nextAttemptMs = now + BETWEEN_ATTEMPTS_MS;
    asking ??= fetch().finally(() => {
      asking = null;
    });
    try {
      current = await asking;
    } catch (error) {
      if (current === null || now >= current.expiresAtMs) throw error;
    }
    return current.credentials;
  };
}

/** Credentials of the profile `[default]` of a file that something else keeps fresh. */
export function sessionFileCredentials(file: string, clock: Pick<Clock, 'now'>): CredentialProvider {
  return refreshed(
    async () => ({
      credentials: readAwsCredentials(file, 'the credentials file'),
      expiresAtMs: clock.now() + SESSION_FILE_MS,
    }),
    clock,
    watchFile(file),
  );
}

/**
 * The keys of an on-premises user, read again when their file changes: a key is rotated without a restart. A file that is being written,
 * or names another host by now, changes nothing until it is right again.
 */
export function userFileCredentials(
  file: string,
  user: { readonly arn: string; readonly accessKeyId: string; readonly secretAccessKey: string },
  log: Pick<Logger, 'info' | 'warn'>,
): CredentialProvider {
  const hasChanged = watchFile(file);
  let { accessKeyId, secretAccessKey } = user;
  return async () => {
    if (hasChanged()) {
      try {
        const { identity } = loadOnPremises(file);
        if (identity?.kind !== 'user' || identity.arn !== user.arn) {
          log.warn('the on-premises file does not name this host any more; the keys of before serve on', { file });
        } else if (identity.accessKeyId !== accessKeyId || identity.secretAccessKey !== secretAccessKey) {
          ({ accessKeyId, secretAccessKey } = identity);
          log.info('the on-premises file has new keys; they are used from now on', { file });
        }
      } catch (error) {
        log.warn('the on-premises file cannot be used; the keys of before serve on', { file, error });
      }
    }
    return { accessKeyId, secretAccessKey };
  };
}

/** Whether a file is another one than at the last question; the first question only looks. */
function watchFile(file: string): () => boolean {
  const look = () => {
    const facts = statSync(file, { bigint: true, throwIfNoEntry: false });
    return facts === undefined ? 'none' : `${facts.ino} ${facts.size} ${facts.mtimeNs}`;
  };
  let seen = look();
  return () => {
    const before = seen;
    seen = look();
    return seen !== before;
  };
}

/** Credentials of the instance profile. */
export function instanceProfileCredentials(metadata: InstanceMetadata, clock: Pick<Clock, 'now'>): CredentialProvider {
  const path = '/latest/meta-data/iam/security-credentials/';
  return refreshed(async () => {
    const deadline = metadataDeadline();
    const role = (await metadata.get(path, deadline))?.split('\n')[0]?.trim();
    if (!role || !ROLE.test(role)) {
      throw new SlipwayError('AGENT_NO_CREDENTIALS', 'this instance has no instance profile with a role', {
        remedy: 'Attach an instance profile with a role to the instance, or enrol the host: `slipway register`.',
      });
    }
    const text = (await metadata.get(path + role, deadline)) ?? '{}';
    const { AccessKeyId, SecretAccessKey, Token, Expiration } = parseMetadata(text, `the role ${role}`);
    if (!AccessKeyId || !SecretAccessKey) {
      throw new SlipwayError('AGENT_NO_CREDENTIALS', `instance metadata has no credentials for the role ${role}`);
    }
    return {
      credentials: {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        ...(Token ? { sessionToken: Token } : {}),
      },
      expiresAtMs: Date.parse(Expiration ?? '') || clock.now() + SESSION_FILE_MS,
    };
  }, clock);
}

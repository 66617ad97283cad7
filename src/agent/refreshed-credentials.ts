import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';
import type { CredentialProvider, Credentials } from '../protocol/sigv4/credentials.ts';
import type { Clock } from '../system/clock.ts';
import type { InstanceMetadata } from './instance-metadata.ts';

interface Expiring {
  readonly credentials: Credentials;
  readonly expiresAtMs: number;
}

/** Asked for anew this long before they run out. */
const REFRESH_BEFORE_MS = 5 * 60 * 1000;
/** What something else refreshes is taken to last this long. */
const SESSION_FILE_MS = 30 * 60 * 1000;
const BETWEEN_ATTEMPTS_MS = 60 * 1000;

/** Keeps credentials until shortly before they run out; if new ones cannot be had, the old ones serve until they really do. */
function refreshed(fetch: () => Promise<Expiring>, clock: Pick<Clock, 'now'>): CredentialProvider {
  let current: Expiring | null = null;
  let nextAttemptMs = 0;
  return async () => {
    const now = clock.now();
    if (current !== null && now < current.expiresAtMs - REFRESH_BEFORE_MS) return current.credentials;
    if (current !== null && now < nextAttemptMs && now < current.expiresAtMs) return current.credentials;
    nextAttemptMs = now + BETWEEN_ATTEMPTS_MS;
    try {
      current = await fetch();
    } catch (error) {
      if (current === null || now >= current.expiresAtMs) throw error;
    }
    return current.credentials;
  };
}

/** Credentials of the profile `[default]` of a file that something else keeps fresh. */
export function sessionFileCredentials(file: string, clock: Pick<Clock, 'now'>): CredentialProvider {
  return refreshed(async () => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      throw new SlipwayError(
        'AGENT_NO_CREDENTIALS',
        `the credentials file ${file} cannot be read: ${messageOf(cause)}`,
        { cause },
      );
    }
    return { credentials: parseCredentials(text, file), expiresAtMs: clock.now() + SESSION_FILE_MS };
  }, clock);
}

/** Credentials of the instance profile. */
export function instanceProfileCredentials(metadata: InstanceMetadata, clock: Pick<Clock, 'now'>): CredentialProvider {
  const path = '/latest/meta-data/iam/security-credentials/';
  return refreshed(async () => {
    const role = (await metadata.get(path))?.split('\n')[0]?.trim();
    if (!role) throw new SlipwayError('AGENT_NO_CREDENTIALS', 'this instance has no instance profile');
    const answer = JSON.parse((await metadata.get(path + role)) ?? '{}') as Record<string, string | undefined>;
    const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer;
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

function parseCredentials(text: string, file: string): Credentials {
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue;
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header?.[1] !== undefined) section = header[1].trim();
    const pair = /^\s*([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (section === 'default' && pair?.[1] !== undefined && pair[2]) values.set(pair[1].toLowerCase(), pair[2]);
  }
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  const sessionToken = values.get('aws_session_token');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new SlipwayError('AGENT_NO_CREDENTIALS', `${file} has no access key in its profile [default]`);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { messageOf, SlipwayError } from '../errors.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Only with temporary credentials. */
  readonly sessionToken?: string;
}

/**
 * Reads the profile `[default]` of a credentials file as all AWS tools have it.
 *
 * @param what names the file in errors, such as the key of the configuration that it stands under
 * @throws SlipwayError AGENT_NO_CREDENTIALS that names the file, and the user who may not read it
 */
export function readAwsCredentials(file: string, what: string): AwsCredentials {
  const values = defaultProfileOf(readText(file, what));
  const accessKeyId = values.get('aws_access_key_id');
  const secretAccessKey = values.get('aws_secret_access_key');
  const sessionToken = values.get('aws_session_token');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new SlipwayError('AGENT_NO_CREDENTIALS', `${what} ${file} has no access key in its profile [default]`, {
      remedy: 'Write aws_access_key_id and aws_secret_access_key below a line [default] in this file.',
    });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = `${what} ${file} cannot be read by ${currentUser()}: ${messageOf(cause)}`;
    throw new SlipwayError('AGENT_NO_CREDENTIALS', why, {
      cause,
      remedy: 'Put the file there, and let this user, and nobody else, read it.',
    });
  }
}

function currentUser(): string {
  const uid = process.getuid?.();
  try {
    return `the user ${userInfo().username} (uid ${uid})`;
  } catch {
    // Not every uid has a name.
    return `the user with uid ${uid}`;
  }
}

function defaultProfileOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue;
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header?.[1] !== undefined) section = header[1].trim();
    const pair = /^([A-Za-z_]+)\s*=(.*)$/.exec(line.trim());
    if (section === 'default' && pair?.[1] !== undefined && pair[2]?.trim()) {
      values.set(pair[1].toLowerCase(), pair[2].trim());
    }
  }
  return values;
}

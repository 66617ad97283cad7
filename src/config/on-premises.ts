import { existsSync, statSync } from 'node:fs';
import { isSlipwayError, messageOf, SlipwayError } from '../errors.ts';
import { readSettings } from './settings-file.ts';

/** Identity of an on-premises host: a user's long-lived key, or a session whose credentials another program refreshes. */
export type OnPremisesIdentity =
  | {
      readonly kind: 'user';
      readonly arn: string;
      readonly region: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    }
  | { readonly kind: 'session'; readonly arn: string; readonly region: string; readonly credentialsFile: string };

export interface LoadedOnPremises {
  /** null: this host is not on premises. */
  readonly identity: OnPremisesIdentity | null;
  readonly warnings: readonly string[];
}

/**
 * Reads the on-premises file.
 *
 * @throws SlipwayError CONFIG_INVALID naming the file and the key that is missing, or that both kinds of identity are there
 * @see the official agent 1.8.1, `onpremise_config.rb`
 */
export function loadOnPremises(file: string): LoadedOnPremises {
  if (!existsSync(file)) return { identity: null, warnings: [] };
  let values: Map<string, string>;
  try {
    values = new Map(
      readSettings(file).flatMap(({ name, value }) => (value === null || value === '' ? [] : [[name, String(value)]])),
    );
  } catch (error) {
    // A file that may not be read looks as if the host were on EC2: that must be said.
    if (!isSlipwayError(error, 'CONFIG_UNREADABLE')) throw error;
    return { identity: null, warnings: [`${messageOf(error)}; the host is taken to be on EC2`] };
  }
  const userArn = values.get('iam_user_arn');
  const sessionArn = values.get('iam_session_arn');
  if (userArn !== undefined && sessionArn !== undefined) {
    throw new SlipwayError('CONFIG_INVALID', `${file}: it has both iam_user_arn and iam_session_arn; a host has one`);
  }
  const needed = (key: string, beside: string): string => {
    const value = values.get(key);
    if (value === undefined) throw new SlipwayError('CONFIG_INVALID', `${file}: ${key} is missing beside ${beside}`);
    return value;
  };
  const warnings =
    (statSync(file).mode & 0o077) === 0 ? [] : [`${file} holds a secret and can be read by other users: chmod 600 it`];
  if (userArn !== undefined) {
    return {
      identity: {
        kind: 'user',
        arn: userArn,
        region: needed('region', 'iam_user_arn'),
        accessKeyId: needed('aws_access_key_id', 'iam_user_arn'),
        secretAccessKey: needed('aws_secret_access_key', 'iam_user_arn'),
      },
      warnings,
    };
  }
  if (sessionArn === undefined) return { identity: null, warnings: [] };
  return {
    identity: {
      kind: 'session',
      arn: sessionArn,
      region: needed('region', 'iam_session_arn'),
      credentialsFile: needed('aws_credentials_file', 'iam_session_arn'),
    },
    warnings: [],
  };
}

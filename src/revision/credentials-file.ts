import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../errors.ts';

/**
 * Finds this host's credential for a web address: the first line of `source_credentials_file` with the scheme, host and port of the
 * address. The lines are those of git's own credential store, `https://USER:PASSWORD@HOST`, so that one file serves git and plain HTTPS.
 *
 * @returns the value of an Authorization header; null: the file has nothing for this host, or there is none
 * @throws SlipwayError REVISION_DENIED when the file cannot be read
 */
export function authorizationFor(url: URL, credentialsFile: string | null): string | null {
  const entry = credentialFor(url, credentialsFile);
  if (entry === null) return null;
  const [user, password] = [decodeURIComponent(entry.username), decodeURIComponent(entry.password)];
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** The line itself, for git. */
export function credentialFor(url: URL, credentialsFile: string | null): URL | null {
  if (credentialsFile === null) return null;
  let text: string;
  try {
    text = readFileSync(credentialsFile, 'utf8');
  } catch (cause) {
    throw new SlipwayError('REVISION_DENIED', `source_credentials_file cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Put the file there, readable for the agent’s user only, or take the key out of the configuration.',
    });
  }
  for (const line of text.split('\n')) {
    const entry = URL.parse(line.trim());
    if (entry !== null && entry.protocol === url.protocol && entry.host === url.host) return entry;
  }
  return null;
}

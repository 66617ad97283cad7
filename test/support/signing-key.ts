/** A key of gpg that signs, in a keyring of its own. */
import { mkdirSync } from 'node:fs';
import { execaSync } from 'execa';

export const KEY_NAME = 'Repository <repository@example.com>';

/** @param home folder of the keyring, which is made. gpg finds it by `GNUPGHOME` @returns user id of the key */
export function signingKey(home: string): string {
  mkdirSync(home, { mode: 0o700, recursive: true });
  const quick = ['--batch', '--passphrase', '', '--quick-generate-key', KEY_NAME, 'ed25519', 'sign', 'never'];
  execaSync('gpg', quick, { env: { GNUPGHOME: home } });
  return KEY_NAME;
}

/** Ends the processes that gpg has started for a keyring. */
export function forgetKeys(home: string): void {
  execaSync('gpgconf', ['--kill', 'all'], { env: { GNUPGHOME: home }, reject: false });
}

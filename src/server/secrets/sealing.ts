import { createCipheriv, createDecipheriv } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../errors.ts';
import { createFileDurably } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';

/** Locks texts away with the server's master key: AES-256-GCM, so that what was changed does not open. */
export interface Sealer {
  seal(text: string): string;
  /** @throws SlipwayError SERVER_MASTER_KEY when it was sealed with another key, or was changed */
  open(sealed: string): string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where the master key of a data folder is. */
export function masterKeyFileOf(dataDir: string): string {
  return join(dataDir, 'master.key');
}

/**
 * Reads the master key of a data folder.
 *
 * @returns null when the file is not there
 * @throws SlipwayError SERVER_MASTER_KEY when it holds no key
 */
export function readMasterKey(dataDir: string): Buffer | null {
  const file = masterKeyFileOf(dataDir);
  if (!existsSync(file)) return null;
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  if (key.length === KEY_BYTES) return key;
  throw new SlipwayError(
    'SERVER_MASTER_KEY',
    `${file} does not hold a key of ${KEY_BYTES} bytes; it was left as it is`,
  );
}

/** Makes a master key, readable by the owner alone. When two processes make one at the same time, the first one's key counts, for both. */
export function makeMasterKey(dataDir: string, random: Pick<Random, 'bytes'>): Buffer {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const key = random.bytes(KEY_BYTES);
  createFileDurably(masterKeyFileOf(dataDir), `${key.toString('base64')}\n`, 0o600);
  return readMasterKey(dataDir) ?? key;
}

export function createSealer(key: Buffer, random: Pick<Random, 'bytes'>): Sealer {
  return {
    seal(text) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const content = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(content), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new SlipwayError('SERVER_MASTER_KEY', 'what the database holds was not sealed with this master key', {
          cause,
        });
      }
    },
  };
}

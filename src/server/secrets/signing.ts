import { join } from 'node:path';
import {
  createSigningAuthority,
  issueSigner,
  type Signer,
  type SigningAuthority,
} from '../../protocol/envelope/authority.ts';
import type { Clock } from '../../system/clock.ts';
import { writeFileDurably } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';
import { findSecret, keepFirstSecret } from '../store/secrets.ts';
import type { Store } from '../store/store.ts';
import type { Sealer } from './sealing.ts';

/** Service that signs deployment specifications. */
export interface SigningService {
  readonly caCertificatePem: string;
  /** The signer of now; made anew, without anybody noticing, before the old one runs out. */
  signer(): Promise<Signer>;
}

const SECRET_NAME = 'signing-authority';
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * Opens the signing authority. The first start makes it and keeps it, sealed, in the database, so that all servers of one database
 * share it. Its certificate is written to the data folder, for agents to pin.
 */
export async function openSigning(ctx: {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<SigningService> {
  const authority = await loadAuthority(ctx);
  writeFileDurably(join(ctx.dataDir, 'signer-ca.pem'), authority.caCertificatePem);
  let current: Signer | null = null;
  // Whoever asks meanwhile gets the same one. A failure is told to those that wait, and not kept: whoever asks next tries anew.
  let making: Promise<Signer> | null = null;
  const make = async (): Promise<Signer> => {
    try {
      current = await issueSigner(authority, {
        nowMs: ctx.clock.now(),
        random: ctx.random,
        commonName: 'Slipway deployment specifications',
      });
      return current;
    } finally {
      making = null;
    }
  };
  return {
    caCertificatePem: authority.caCertificatePem,
    async signer() {
      if (current !== null && current.notAfterMs - RENEW_BEFORE_MS > ctx.clock.now()) return current;
      making ??= make();
      return making;
    },
  };
}

async function loadAuthority(ctx: Parameters<typeof openSigning>[0]): Promise<SigningAuthority> {
  const { store, sealer } = ctx;
  const read = async () => {
    const sealed = await findSecret(store.db, SECRET_NAME);
    return sealed === null ? null : (JSON.parse(sealer.open(sealed)) as SigningAuthority);
  };
  const existing = await read();
  if (existing !== null) return existing;
  const made = await createSigningAuthority({
    nowMs: ctx.clock.now(),
    random: ctx.random,
    commonName: 'Slipway signing authority',
  });
  // Another server may have been faster; the first one counts.
  await keepFirstSecret(store.db, SECRET_NAME, sealer.seal(JSON.stringify(made)));
  return (await read()) ?? made;
}

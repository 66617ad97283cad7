/**
 * Checks the master key against the database. A new key beside sealed rows would open none of them, and would hide from the operator that
 * the right one is missing. So a key is made only when the database holds nothing sealed.
 */
import { SlipwayError } from '../../errors.ts';
import type { Random } from '../../system/random.ts';
import { type SealedRow, sealedRows } from '../store/secrets.ts';
import type { Store } from '../store/store.ts';
import { rememberingSealer } from './remembered.ts';
import { createSealer, makeMasterKey, masterKeyFileOf, readMasterKey, type Sealer } from './sealing.ts';

interface SealerContext {
  readonly store: Pick<Store, 'db' | 'dialect'>;
  readonly dataDir: string;
  readonly random: Pick<Random, 'bytes'>;
}

/** Rows that this master key does not open, though it opens others: they cannot be used any more. */
export interface Lost {
  /** Ids of access keys. */
  readonly keys: readonly string[];
  /** Names of tokens for git hosts. */
  readonly gitTokens: readonly string[];
}

export interface OpenedSealer {
  readonly sealer: Sealer;
  readonly lost: Lost;
}

/** More names would tell nobody more. */
const NAMED = 5;

/**
 * The sealer of a data folder; on the first start its key is made.
 *
 * @throws SlipwayError SERVER_MASTER_KEY when the key is missing beside sealed rows, holds no key, or is not the one they were sealed with;
 * nothing is written then
 */
export async function openSealer(ctx: SealerContext): Promise<OpenedSealer> {
  const { rows, key } = await readBoth(ctx);
  if (key === null && rows.length > 0) throw missingKey(ctx, rows);
  const sealer = createSealer(key ?? makeMasterKey(ctx.dataDir, ctx.random), ctx.random);
  return { sealer: rememberingSealer(sealer), lost: lostAmong(ctx, sealer, rows) };
}

/**
 * Access keys and tokens that the master key does not open; none where there is neither key nor anything sealed. Writes nothing.
 *
 * @throws SlipwayError SERVER_MASTER_KEY as `openSealer` does
 */
export async function findLost(ctx: SealerContext): Promise<Lost> {
  const { rows, key } = await readBoth(ctx);
  if (rows.length === 0) return { keys: [], gitTokens: [] };
  if (key === null) throw missingKey(ctx, rows);
  return lostAmong(ctx, createSealer(key, ctx.random), rows);
}

/**
 * The rows first: another process that starts at the same time writes its key before it seals anything with it. Read the other way round,
 * the key could still be missing while the rows that it sealed are there already.
 */
async function readBoth({ store, dataDir }: SealerContext) {
  const rows = await sealedRows(store.db);
  return { rows, key: readMasterKey(dataDir) };
}

/** @throws SlipwayError SERVER_MASTER_KEY when the key opens nothing, or not what the server cannot do without */
function lostAmong(ctx: SealerContext, sealer: Sealer, rows: readonly SealedRow[]): Lost {
  const closed = rows.filter(({ sealed }) => !opens(sealer, sealed));
  const hasLostAuthority = closed.some(({ what }) => what === 'secret of the server');
  if (hasLostAuthority || (closed.length > 0 && closed.length === rows.length)) throw wrongKey(ctx, closed);
  return { keys: namesOf(closed, 'access key'), gitTokens: namesOf(closed, 'git token') };
}

function namesOf(rows: readonly SealedRow[], kind: SealedRow['what']): readonly string[] {
  return rows.filter(({ what }) => what === kind).map(({ name }) => name);
}

function opens(sealer: Sealer, sealed: string): boolean {
  try {
    sealer.open(sealed);
    return true;
  } catch {
    return false;
  }
}

function missingKey({ store, dataDir }: SealerContext, rows: readonly SealedRow[]): SlipwayError {
  const file = masterKeyFileOf(dataDir);
  return new SlipwayError(
    'SERVER_MASTER_KEY',
    `${file} is missing, and ${databaseOf(store)} holds what was sealed with it: ${describeRows(rows)}; no new key was written`,
    {
      remedy: `Put that very file back, from a copy${ofOtherServer(store)}; check --data-dir if it is elsewhere. ${LOST}`,
    },
  );
}

function wrongKey({ store, dataDir }: SealerContext, rows: readonly SealedRow[]): SlipwayError {
  const file = masterKeyFileOf(dataDir);
  return new SlipwayError(
    'SERVER_MASTER_KEY',
    `${file} is not the key that ${databaseOf(store)} was sealed with: it does not open ${describeRows(rows)}; the file was left as it is`,
    { remedy: `Put the right master.key in its place, from a copy${ofOtherServer(store)}. ${LOST}` },
  );
}

const LOST =
  'If it is lost for good, so are all access keys: start with an empty database, make a key, and enrol the hosts again with `slipway register --force`.';

function databaseOf({ dialect }: Pick<Store, 'dialect'>): string {
  return dialect === 'sqlite' ? 'the database in the same folder' : 'the PostgreSQL database';
}

/** Servers that share a database share the key. */
function ofOtherServer({ dialect }: Pick<Store, 'dialect'>): string {
  return dialect === 'sqlite' ? '' : ' or from the data folder of another server of this database';
}

function describeRows(rows: readonly SealedRow[]): string {
  const hasAuthority = rows.some(({ what }) => what === 'secret of the server');
  const keys = describeNames('the access key', namesOf(rows, 'access key'));
  const tokens = describeNames('the git token', namesOf(rows, 'git token'));
  return [...(hasAuthority ? ['the signing authority'] : []), ...keys, ...tokens].join(' and ');
}

function describeNames(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return [`${what}${names.length === 1 ? '' : 's'} ${names.slice(0, NAMED).join(', ')}${more}`];
}

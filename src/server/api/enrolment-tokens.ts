/** Tokens for hosts to enrol with: made, listed, revoked. */
import { ApiError } from '../../protocol/errors.ts';
import { formatToken } from '../../protocol/management/enrolment.ts';
import { sha256Hex } from '../../protocol/sigv4/sha256.ts';
import { isStarPattern } from '../../system/wildcards.ts';
import { deleteEndedTokens, insertToken, listTokens, revokeToken } from '../store/enrolment-tokens.ts';
import type { EnrolmentTokenRow } from '../store/schema.ts';
import type { Tag } from '../store/tag.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { quote, readBoolean, readDescription, readText } from './input.ts';
import { MAX_INSTANCE_TAGS, readInstanceTags } from './instance-tags-input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { problemOfNewTagKey } from './tag-limits.ts';

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SECRET_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const DAY_MS = 24 * 60 * 60_000;
const USES = { usual: 1, most: 10_000 };
const LIFETIME_SECONDS = { usual: 60 * 60, most: 30 * 24 * 60 * 60 };
/** How long a token that has ended can be looked up; so long its name is in lists. */
const KEPT_MS = 30 * DAY_MS;

export const enrolmentTokenHandlers: Handlers<'CreateEnrolmentToken' | 'ListEnrolmentTokens' | 'RevokeEnrolmentToken'> =
  {
    async CreateEnrolmentToken(ctx, input, caller) {
      const uses = readCount(input, 'uses', USES);
      const lifetimeMs = readCount(input, 'lifetimeSeconds', LIFETIME_SECONDS) * 1000;
      const tags = readTags(input);
      const { namePattern, mayTakeOver } = readNames(input);
      const description = readDescription(input) ?? '';
      const tokenId = `TOKN${ctx.random.text(12, ID_LETTERS)}`;
      const secret = ctx.random.text(40, SECRET_LETTERS);
      const nowMs = ctx.clock.now();
      const row: EnrolmentTokenRow = {
        token_id: tokenId,
        secret_sha256: sha256Hex(secret),
        made_by: caller.accessKeyId,
        description,
        tags_json: JSON.stringify(tags),
        name_pattern: namePattern,
        may_take_over: mayTakeOver ? 1 : 0,
        uses,
        uses_left: uses,
        created_at_ms: nowMs,
        expires_at_ms: nowMs + lifetimeMs,
        revoked_at_ms: null,
      };
      await ctx.store.transaction(async (tx) => {
        await deleteEndedTokens(tx, nowMs - KEPT_MS);
        await insertToken(tx, row);
        return { tokenId };
      });
      const authoritySha256 = ctx.server.authoritySha256();
      return { token: formatToken({ tokenId, secret, authoritySha256 }), ...tokenRecord(row) };
    },

    async ListEnrolmentTokens(ctx, input) {
      const page = readPageToken(ctx, 'ListEnrolmentTokens', input);
      const found = await listTokens(ctx.store.db, page.after, PAGE_SIZE + 1);
      const { rows, ...rest } = toPage(found, page, (row) => row.token_id);
      return { tokens: rows.map(tokenRecord), ...rest };
    },

    async RevokeEnrolmentToken(ctx, input) {
      const tokenId = readText(input, 'tokenId') ?? '';
      await ctx.store.transaction(async (tx) => {
        if (await revokeToken(tx, tokenId, ctx.clock.now())) return;
        throw new ApiError('ValidationException', `There is no enrolment token ${quote(tokenId)}.`);
      });
      return {};
    },
  };

function tokenRecord(row: EnrolmentTokenRow) {
  return {
    tokenId: row.token_id,
    madeBy: row.made_by,
    description: row.description,
    tags: JSON.parse(row.tags_json) as Tag[],
    ...(row.name_pattern === null ? {} : { instanceName: row.name_pattern }),
    takeOver: row.may_take_over === 1,
    uses: row.uses,
    usesLeft: row.uses_left,
    createTime: seconds(row.created_at_ms),
    expireTime: seconds(row.expires_at_ms),
    ...(row.revoked_at_ms === null ? {} : { revokeTime: seconds(row.revoked_at_ms) }),
  };
}

function readTags(input: Input): Tag[] {
  const tags = readInstanceTags(input, problemOfNewTagKey);
  const keys = new Set(tags.map(({ Key }) => Key));
  if (keys.size < tags.length) throw refused('tags has two with the same key; a host has one value of each');
  if (tags.length > MAX_INSTANCE_TAGS) {
    throw refused(`tags has ${tags.length} entries; ${MAX_INSTANCE_TAGS} are the limit of a host`);
  }
  return tags;
}

function readNames(input: Input) {
  const namePattern = readText(input, 'instanceName');
  const mayTakeOver = readBoolean(input, 'takeOver') ?? false;
  if (namePattern !== null && !isStarPattern(namePattern)) {
    throw refused(`instanceName must be a name or a pattern such as web-*, but is ${quote(namePattern)}`);
  }
  if (mayTakeOver && namePattern === null) {
    throw refused(
      'takeOver needs an instanceName, the name or the pattern of names of the hosts that may be taken over',
    );
  }
  return { namePattern, mayTakeOver };
}

function readCount(input: Input, member: string, { usual, most }: { readonly usual: number; readonly most: number }) {
  const value = input[member] ?? usual;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw refused(`${member} must be a whole number of 1 to ${most}`);
}

function refused(why: string): ApiError {
  return new ApiError('ValidationException', `${why}.`);
}

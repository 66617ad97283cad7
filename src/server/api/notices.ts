/** Notices of triggers, and what became of them. */
import { ApiError } from '../../protocol/errors.ts';
import { listNotices, type NoticePlace, type NoticeState } from '../store/notices.ts';
import type { NoticeRow } from '../store/schema.ts';
import { type Handlers, seconds } from './context.ts';
import { requireDeployment } from './deployments.ts';
import { readText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

const STATES: readonly NoticeState[] = ['waiting', 'sent', 'given-up'];

export const noticeHandlers: Handlers<'ListNotices'> = {
  async ListNotices(ctx, input, { scope }) {
    const deploymentId = readText(input, 'deploymentId');
    // Whether a limited key may know of a deployment was asked before; of all others it is told nothing.
    if (scope !== null && deploymentId === null) {
      const why = 'A key that is limited to some applications names the deployment: ListNotices needs a deploymentId.';
      throw new ApiError('AccessDeniedException', why, { status: 403 });
    }
    if (deploymentId !== null) await requireDeployment(ctx.store.db, input);
    const token = readPageToken(ctx, 'ListNotices', input);
    const filter = { deploymentId, state: readState(readText(input, 'state')) };
    const page = { after: readPlace(token.after), limit: PAGE_SIZE + 1 };
    const found = await listNotices(ctx.store.db, filter, page);
    const { rows, ...rest } = toPage(found, token, (row) => `${row.made_at_ms} ${row.notice_id}`);
    return { notices: rows.map(noticeOf), ...rest };
  },
};

function readState(text: string | null): NoticeState | null {
  const state = STATES.find((known) => known === text);
  if (text === null || state !== undefined) return state ?? null;
  throw new ApiError('ValidationException', `state must be one of ${STATES.join(', ')}.`);
}

/** Where the page before ended, as this server has written it into its token. The id of a notice may have blanks in it. */
function readPlace(after: string): NoticePlace | null {
  const blank = after.indexOf(' ');
  return after === '' ? null : { madeAtMs: Number(after.slice(0, blank)), noticeId: after.slice(blank + 1) };
}

function noticeOf(row: NoticeRow) {
  const endedAtMs = row.sent_at_ms ?? row.given_up_at_ms;
  return {
    time: seconds(row.made_at_ms),
    deploymentId: row.deployment_id,
    event: row.event,
    subject: row.subject,
    trigger: row.trigger_name,
    target: row.target,
    state: stateOf(row),
    tries: row.tries,
    ...(row.tried_at_ms === null ? {} : { lastTryTime: seconds(row.tried_at_ms) }),
    ...(row.last_answer === null ? {} : { lastAnswer: row.last_answer }),
    ...(endedAtMs === null ? {} : { endTime: seconds(endedAtMs) }),
  };
}

function stateOf(row: NoticeRow): NoticeState {
  if (row.sent_at_ms !== null) return 'sent';
  return row.given_up_at_ms === null ? 'waiting' : 'given-up';
}

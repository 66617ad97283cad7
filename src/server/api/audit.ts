/** The audit log, read. */
import { type AuditPlace, listAuditEntries, type ShownEntry } from '../store/audit-entries.ts';
import { type Handlers, seconds } from './context.ts';
import { readText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { readTimeRange } from './time-range.ts';

export const auditHandlers: Handlers<'ListAuditEntries'> = {
  async ListAuditEntries(ctx, input) {
    const token = readPageToken(ctx, 'ListAuditEntries', input);
    const { from: sinceMs, to: untilMs } = readTimeRange(input, 'timeRange');
    const filter = {
      actor: readText(input, 'actor'),
      operation: readText(input, 'operation'),
      applicationName: readText(input, 'applicationName'),
      deploymentGroupName: readText(input, 'deploymentGroupName'),
      ...{ sinceMs, untilMs },
    };
    const page = { after: readPlace(token.after), limit: PAGE_SIZE + 1 };
    const found = await listAuditEntries(ctx.store.db, filter, page);
    const { rows, ...rest } = toPage(found, token, (row) => `${row.at_ms} ${row.request_id}`);
    return { entries: rows.map(entryOf), ...rest };
  },
};

/** Where the page before ended, as this server has written it into its token. */
function readPlace(after: string): AuditPlace | null {
  const [atMs = '', requestId = ''] = after.split(' ');
  return after === '' ? null : { atMs: Number(atMs), requestId };
}

function entryOf(row: ShownEntry) {
  return {
    time: seconds(row.at_ms),
    requestId: row.request_id,
    actor: row.actor,
    ...(row.actor_description ? { actorDescription: row.actor_description } : {}),
    role: row.role,
    operation: row.operation,
    ...(row.application_name === null ? {} : { applicationName: row.application_name }),
    ...(row.deployment_group_name === null ? {} : { deploymentGroupName: row.deployment_group_name }),
    ...(row.deployment_id === null ? {} : { deploymentId: row.deployment_id }),
    ...(row.instance_names === null ? {} : { instanceNames: row.instance_names }),
    ...(row.made === null ? {} : { made: row.made }),
    request: JSON.parse(row.request_json) as Readonly<Record<string, unknown>>,
  };
}

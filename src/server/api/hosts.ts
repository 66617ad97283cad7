/** The operation that lists hosts with what is known of them: when each was heard of, and what keeps deployments from it. */

import type { HostRecord } from '../../protocol/management/shapes.ts';
import { SILENT_MS } from '../../protocol/management/silence.ts';
import { isShared, SHARED_MS } from '../engine/agent-runs.ts';
import { MAX_TRIES } from '../engine/hosts/arrivals.ts';
import { hostsWithoutKey } from '../store/access-keys.ts';
import { countHosts, type HostFilter, type HostPlace, listHosts } from '../store/host-list.ts';
import { failedTriesOf } from '../store/host-states.ts';
import { instanceTagsOf } from '../store/instance-tags.ts';
import type { InstanceRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { INSTANCE, readBoolean, readOptionalName, readText } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { readWords } from './search.ts';

export const hostHandlers: Handlers<'DescribeHosts'> = {
  async DescribeHosts(ctx, input) {
    const nowMs = ctx.clock.now();
    const filter = readFilter(input, nowMs);
    const token = readPageToken(ctx, 'DescribeHosts', input);
    const { db } = ctx.store;
    const found = await listHosts(db, filter, { after: readPlace(token.after), limit: PAGE_SIZE + 1 });
    const { rows, ...rest } = toPage(found, token, (row) => JSON.stringify([row.instance_name, row.instance_id]));
    return {
      hosts: await recordsOf(db, rows, nowMs),
      // Each page would count the same once more.
      ...(token.after === '' ? { hostCount: await countHosts(db, filter) } : {}),
      ...rest,
    };
  },
};

function readFilter(input: Input, nowMs: number): HostFilter {
  const limits = { heardSinceMs: nowMs - SILENT_MS, sharedSinceMs: nowMs - SHARED_MS, tries: MAX_TRIES };
  return {
    instanceName: readOptionalName(input, 'instanceName', INSTANCE),
    registered: readBoolean(input, 'registered'),
    words: readWords(readText(input, 'text') ?? ''),
    attention: readBoolean(input, 'needsAttention') === true ? limits : null,
  };
}

function readPlace(after: string): HostPlace | null {
  if (after === '') return null;
  const [instanceName, instanceId] = JSON.parse(after) as [string, string];
  return { instanceName, instanceId };
}

async function recordsOf(db: StoreReader, rows: readonly InstanceRow[], nowMs: number): Promise<HostRecord[]> {
  const ids = rows.map((row) => row.instance_id);
  const tags = await instanceTagsOf(db, ids);
  const givenUp = Map.groupBy(await failedTriesOf(db, ids, MAX_TRIES), (host) => host.instanceId);
  const disabled = await hostsWithoutKey(
    db,
    rows.map((row) => row.host_arn),
  );
  return rows.map((row) => ({
    instanceName: row.instance_name,
    hostArn: row.host_arn,
    registered: row.deregistered_at_ms === null,
    ...(row.last_polled_at_ms === null ? {} : { lastPollTime: seconds(row.last_polled_at_ms) }),
    ...(row.agent_version === null ? {} : { agentVersion: row.agent_version }),
    ...(isShared(row.identity_shared_at_ms, nowMs) ? { identityIsShared: true } : {}),
    ...(disabled.has(row.host_arn) ? { keysDisabled: true } : {}),
    ...(givenUp.has(row.instance_id)
      ? {
          updatesGivenUp: (givenUp.get(row.instance_id) ?? []).map(({ applicationName, groupName }) => ({
            applicationName,
            deploymentGroupName: groupName,
          })),
        }
      : {}),
    tags: tags.get(row.instance_id) ?? [],
  }));
}

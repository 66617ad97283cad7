/** Output of scripts while they run, for people: lists of logs, and the text of one from a position on. Beyond CodeDeploy. */
import { ApiError } from '../../protocol/errors.ts';
import { listLogs, readLog } from '../store/event-logs.ts';
import { type EventKey, eventsOf } from '../store/lifecycle-events.ts';
import type { LifecycleEventRow, TargetRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { findTargets } from '../store/targets.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { requireDeployment } from './deployments.ts';
import { quote, readText } from './input.ts';
import { readPageToken, toPage } from './paging.ts';

/** Records are small, and somebody who follows a large deployment asks every second. */
const LOGS_IN_A_PAGE = 500;
/** Text of one answer, in bytes, and at most one piece more. */
const MOST_TEXT_BYTES = 128 * 1024;

export const eventLogHandlers: Handlers<'ListEventLogs' | 'GetEventLog'> = {
  async ListEventLogs(ctx, input) {
    const token = readPageToken(ctx, 'ListEventLogs', input);
    const { db } = ctx.store;
    const writtenSinceMs = Math.ceil((readNumber(input, 'writtenSince') ?? 0) * 1000);
    const { deployment_id: id } = await requireDeployment(db, input);
    const target = readText(input, 'targetId') === null ? null : await requireTarget(db, id, input);
    const found = await listLogs(db, id, {
      instanceId: target?.instance_id ?? null,
      eventName: readText(input, 'lifecycleEventName'),
      writtenSinceMs,
      after: token.after === '' ? null : (JSON.parse(token.after) as Pick<EventKey, 'instanceId' | 'position'>),
      limit: LOGS_IN_A_PAGE + 1,
    });
    const keyOf = ({ instanceId, position }: (typeof found)[number]) => JSON.stringify({ instanceId, position });
    const { rows, ...rest } = toPage(found, token, keyOf, LOGS_IN_A_PAGE);
    const logs = rows.map((log) => ({
      ...{ targetId: log.targetId, lifecycleEventName: log.eventName, status: log.status },
      ...{ firstByte: log.firstByte, endByte: log.endByte, lastWriteTime: seconds(log.writtenAtMs) },
    }));
    return { logs, ...rest };
  },

  async GetEventLog(ctx, input) {
    const { db } = ctx.store;
    const from = Math.floor(readNumber(input, 'firstByte') ?? 0);
    const { deployment_id: deploymentId } = await requireDeployment(db, input);
    const { instance_id: instanceId } = await requireTarget(db, deploymentId, input);
    const { position, status } = await requireEvent(db, { deploymentId, instanceId }, input);
    // The status first: what an event that has ended has written was there before.
    const part = await readLog(db, { deploymentId, instanceId, position }, from, MOST_TEXT_BYTES);
    return { ...(part ?? { firstByte: from, text: '', nextByte: from }), status };
  },
};

/** @throws ApiError DeploymentTargetDoesNotExistException */
async function requireTarget(db: StoreReader, deploymentId: string, input: Input): Promise<TargetRow> {
  const id = readText(input, 'targetId') ?? '';
  const [target] = await findTargets(db, deploymentId, [id]);
  if (target !== undefined) return target;
  const message = `The deployment ${deploymentId} has no target ${quote(id)}.`;
  throw new ApiError('DeploymentTargetDoesNotExistException', message);
}

/** @throws ApiError ValidationException */
async function requireEvent(
  db: StoreReader,
  { deploymentId, instanceId }: Omit<EventKey, 'position'>,
  input: Input,
): Promise<LifecycleEventRow> {
  const name = readText(input, 'lifecycleEventName') ?? '';
  const events = await eventsOf(db, deploymentId, instanceId);
  const event = events.find(({ event_name }) => event_name === name);
  if (event !== undefined) return event;
  const known = events.map(({ event_name }) => event_name).join(', ');
  throw new ApiError(
    'ValidationException',
    `lifecycleEventName must be an event of the target (${known}), but is ${quote(name)}.`,
  );
}

/** A number from 0 on; null: absent. @throws ApiError ValidationException */
function readNumber(input: Input, member: string): number | null {
  const value = input[member];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER / 1000) return value;
  throw new ApiError('ValidationException', `${member} must be a number from 0 on.`);
}

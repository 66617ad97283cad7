/**
 * Live logs of hosts: what scripts write while they run. Nothing that a deployment needs rests on them, so they give way to everything else:
 * few are taken at once, the others are told to come later, and a host is told to wait the longer the slower the database is.
 */
import { ApiError } from '../../protocol/errors.ts';
import {
  type LogBatch,
  MOST_LOG_BATCHES,
  MOST_LOG_BYTES,
  type PutHostCommandLogsOutput,
} from '../../protocol/host-command/logs.ts';
import type { Clock } from '../../system/clock.ts';
import { gathered } from '../../system/gathered.ts';
import { addToLog, type LoggedEvent, loggedEvents } from '../store/event-logs.ts';
import { type HostActor, lockPower, lockPowers } from '../store/powers.ts';
import { type Store, TOGETHER } from '../store/store.ts';
import { countTargetsOf } from '../store/targets.ts';

export interface HostLogs {
  /** Called before anything is known of a request. @throws ApiError ThrottlingException when enough are under way */
  admit(): { done(): void };
  /** @throws ApiError ClientException for what is no batch of this host's; of `lockPower` when the key has lost its power */
  put(input: Input, caller: HostActor): Promise<PutHostCommandLogsOutput>;
}

export interface HostLogsContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Monotonic; milliseconds. */
  elapsedMs(): number;
}

/** Requests that are under way at once; more are told to come later. */
const MOST_UNDER_WAY = 32;
const COME_AGAIN_SECONDS = 5;
/** A transaction takes so many requests: more text would make others wait for the database. */
const MOST_TOGETHER = 8;
/** Kept of one event on one host. */
const MOST_KEPT_BYTES = 256 * 1024;
/** With more hosts than fit into this, less of each is kept, but not less than the second number. */
const MOST_KEPT_BYTES_OF_ALL = 64 * 1024 * 1024;
const LEAST_KEPT_BYTES = 8 * 1024;
/** The rest of a log comes soon after the end of its event, unless the server was down. */
const LATEST_AFTER_END_MS = 10 * 60_000;
/** For each millisecond that the database has taken. */
const WAIT_PER_MS = 10;
const LONGEST_WAIT_MS = 30_000;
/** Deployments whose number of targets is remembered. */
const MOST_REMEMBERED = 256;

/** Members of a request as they came. */
type Input = Readonly<Record<string, unknown>>;

interface Words {
  readonly batches: readonly LogBatch[];
  readonly caller: HostActor;
}

export function createHostLogs(ctx: HostLogsContext): HostLogs {
  const { store, clock, elapsedMs } = ctx;
  const keptBytesOf = rememberedLimits(ctx);
  let underWay = 0;
  const take = gathered<Words, unknown>({
    most: MOST_TOGETHER,
    isOfAll: TOGETHER.isOfAll,
    async work(all) {
      const events = await loggedEvents(
        store.db,
        all.flatMap(({ batches }) => batches.map((batch) => batch.HostCommandIdentifier)),
      );
      const own = all.map(({ batches, caller }) => ownPieces(batches, events, caller));
      const limits = new Map<string, number>();
      for (const { event } of own.flat()) limits.set(event.deploymentId, await keptBytesOf(event.deploymentId));
      const nowMs = clock.now();
      await store.transaction(async (tx) => {
        const powerful = await lockPowers(
          tx,
          all.map(({ caller }) => caller),
        );
        for (const { caller } of all) if (!powerful.has(caller.accessKeyId)) await lockPower(tx, caller);
        for (const { event, batch } of own.flat().sort(inOneOrder)) {
          if (event.endedAtMs !== null && nowMs - event.endedAtMs > LATEST_AFTER_END_MS) continue;
          const piece = { firstByte: batch.FirstByte, text: batch.Text };
          await addToLog(tx, event, piece, limits.get(event.deploymentId) ?? LEAST_KEPT_BYTES, nowMs);
        }
      }, 'lazy');
      return all.map(() => null);
    },
  });
  return {
    admit() {
      if (underWay >= MOST_UNDER_WAY) {
        const message = 'Rate exceeded: the server takes no more live logs just now.';
        throw new ApiError('ThrottlingException', message, { retryAfterSeconds: COME_AGAIN_SECONDS });
      }
      underWay += 1;
      return {
        done() {
          underWay -= 1;
        },
      };
    },
    async put(input, caller) {
      const startedMs = elapsedMs();
      await take({ batches: readBatches(input), caller });
      const waitMs = Math.round((elapsedMs() - startedMs) * WAIT_PER_MS);
      return { WaitMs: Math.min(waitMs, LONGEST_WAIT_MS) };
    },
  };
}

/** By events; the batches of one event stay as they are. */
function inOneOrder(
  { event: a }: { readonly event: LoggedEvent },
  { event: b }: { readonly event: LoggedEvent },
): number {
  const nameOf = ({ deploymentId, instanceId, position }: LoggedEvent) => `${deploymentId}/${instanceId}/${position}`;
  const [one, other] = [nameOf(a), nameOf(b)];
  return one < other ? -1 : Number(one > other);
}

/** Those of the batches whose events there still are. @throws ApiError ClientException for another host's */
function ownPieces(
  batches: readonly LogBatch[],
  events: ReadonlyMap<string, LoggedEvent>,
  caller: HostActor,
): readonly { readonly event: LoggedEvent; readonly batch: LogBatch }[] {
  return batches.flatMap((batch) => {
    const event = events.get(batch.HostCommandIdentifier);
    if (event === undefined) return [];
    if (event.hostArn === caller.hostArn) return { event, batch };
    const what = `The command ${batch.HostCommandIdentifier} is not one of this host.`;
    throw new ApiError('ClientException', what);
  });
}

/** Returns how much is kept of each event of a deployment; in bytes. Its targets do not change once hosts run scripts. */
function rememberedLimits({ store }: HostLogsContext): (deploymentId: string) => Promise<number> {
  const known = new Map<string, number>();
  return async (deploymentId) => {
    const remembered = known.get(deploymentId);
    if (remembered !== undefined) return remembered;
    const targets = Math.max(1, await countTargetsOf(store.db, deploymentId));
    const share = Math.floor(MOST_KEPT_BYTES_OF_ALL / targets);
    const bytes = Math.min(MOST_KEPT_BYTES, Math.max(LEAST_KEPT_BYTES, share));
    known.set(deploymentId, bytes);
    if (known.size > MOST_REMEMBERED) known.delete(known.keys().next().value ?? '');
    return bytes;
  };
}

/** @throws ApiError ClientException */
function readBatches(input: Input): readonly LogBatch[] {
  const list = input['Batches'];
  if (!Array.isArray(list)) throw refused('Batches must be a list.');
  if (list.length > MOST_LOG_BATCHES)
    throw refused(`Batches has ${list.length} entries; ${MOST_LOG_BATCHES} are the limit.`);
  const batches = list.map(readBatch);
  const bytes = batches.reduce((sum, { Text }) => sum + Buffer.byteLength(Text), 0);
  if (bytes > MOST_LOG_BYTES) throw refused(`The texts have ${bytes} bytes together; ${MOST_LOG_BYTES} are the limit.`);
  return batches;
}

/** Longest identifier of a command that this server makes, with room to spare. */
const MOST_ID_CHARACTERS = 256;

function readBatch(entry: unknown, index: number): LogBatch {
  const { HostCommandIdentifier, FirstByte, Text } = (entry ?? {}) as Record<string, unknown>;
  const name = `Batches[${index}]`;
  const isId =
    typeof HostCommandIdentifier === 'string' &&
    HostCommandIdentifier.length <= MOST_ID_CHARACTERS &&
    !HostCommandIdentifier.includes('\0') &&
    HostCommandIdentifier.isWellFormed();
  if (!isId) throw refused(`${name}.HostCommandIdentifier is no identifier of a command.`);
  if (typeof Text !== 'string') throw refused(`${name}.Text must be a text.`);
  const isPosition = typeof FirstByte === 'number' && Number.isSafeInteger(FirstByte) && FirstByte >= 0;
  // Its end is a position, too.
  if (!isPosition || !Number.isSafeInteger(FirstByte + MOST_LOG_BYTES)) {
    throw refused(`${name}.FirstByte must be a whole number from 0 on.`);
  }
  return { HostCommandIdentifier, FirstByte, Text };
}

function refused(why: string): ApiError {
  return new ApiError('ClientException', why);
}

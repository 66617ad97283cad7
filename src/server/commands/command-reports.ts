/**
 * Reports of hosts about their commands: who may report, and what a report means for the event behind the command. One transaction writes
 * all reports that come together: they cost a few statements, however many hosts speak.
 */
import { type CommandDiagnostics, decodeDiagnostics } from '../../protocol/diagnostics.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { CommandStatus, Envelope } from '../../protocol/host-command/shapes.ts';
import { isHookEvent } from '../../protocol/lifecycle-events.ts';
import { gathered } from '../../system/gathered.ts';
import { type EndedEvent, endEventsOfHosts, type ReportContext } from '../engine/event-reports.ts';
import { findDeployment } from '../store/deployments.ts';
import type { Durability } from '../store/durability.ts';
import { beginEvents, beginEventsOfHosts } from '../store/event-changes.ts';
import { lockEventByCommand, lockEventsByCommands } from '../store/lifecycle-events.ts';
import { type HostActor, lockPower, lockPowers } from '../store/powers.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import { type StoreTransaction, TOGETHER } from '../store/store.ts';

export interface CommandReports {
  /**
   * A host is about to begin, or has nothing to do for this event.
   *
   * @returns `InProgress`: go on; `Succeeded`: leave it, it counts as done; `Failed`: it is not wanted any more
   * @throws ApiError ClientException for another host's command; of `lockPower` when the key has lost its power, and nothing is changed
   */
  acknowledge(hostCommandId: string, isNoop: boolean, caller: HostActor): Promise<CommandStatus>;
  /**
   * How a command has ended. Resolves when the deployment was driven on by it.
   *
   * @throws ApiError as `acknowledge`
   */
  complete(
    hostCommandId: string,
    status: 'Succeeded' | 'Failed',
    diagnostics: Envelope | undefined,
    caller: HostActor,
  ): Promise<void>;
  /** The state of a command, for a host that says it is still at it. @throws ApiError as `acknowledge` */
  status(hostCommandId: string, caller: HostActor): Promise<CommandStatus>;
}

export function createCommandReports(ctx: ReportContext): CommandReports {
  const taking = <Word extends HostWord, Answer>(durability: Durability, take: Take<Word, Answer>) =>
    gathered<Word, Said<Answer>>({
      ...TOGETHER,
      work: (words) => ctx.store.transaction((tx) => takeAll(tx, words, take), durability),
    });
  const nowMs = () => ctx.clock.now();
  // Lazy: after a power cut the command is handed out again, and its agent knows it by its identifier.
  const beginLooking = taking<HostWord, CommandStatus>('lazy', (tx, words) => beginAll(tx, words, nowMs()));
  const beginAtOnce = gathered<HostWord, boolean>({ ...TOGETHER, work: (words) => beginTogether(ctx, words) });
  // Most acknowledgements begin an event that is Pending, and one statement does that. The longer way says why one cannot begin.
  const begin = async (word: HostWord): Promise<Said<CommandStatus>> =>
    (await beginAtOnce(word)) ? { isKnown: true, answer: 'InProgress', changedId: null } : beginLooking(word);
  const skip = taking<HostWord, CommandStatus>('synced', (tx, words) => skipAll(tx, words, nowMs()));
  const end = taking<Outcome, null>('synced', (tx, words) => endAll(tx, words, nowMs()));

  /** @param answerForUnknown what the reporter of an event that is gone is told: its application may have been deleted */
  const conclude = async <Answer>(said: Said<Answer>, answerForUnknown: Answer): Promise<Answer> => {
    if ('refusal' in said) throw said.refusal;
    if (said.changedId !== null) await ctx.engine.step(said.changedId);
    return said.isKnown ? said.answer : answerForUnknown;
  };
  return {
    async acknowledge(hostCommandId, isNoop, caller) {
      const said = await (isNoop ? skip : begin)({ hostCommandId, caller });
      return conclude<CommandStatus>(said, 'Failed');
    },
    async complete(hostCommandId, status, diagnostics, caller) {
      const reported = decodeDiagnostics(diagnostics);
      await conclude(await end({ hostCommandId, caller, status, reported }), null);
    },
    status: (hostCommandId, caller) =>
      ctx.store.transaction(async (tx) => {
        await lockPower(tx, caller);
        const event = await lockEventByCommand(tx, hostCommandId);
        if (event === null) return 'Failed';
        requireOwn(event, caller);
        return statusOf(event);
      }),
  };
}

/** A host's report on a command. */
interface HostWord {
  readonly hostCommandId: string;
  readonly caller: HostActor;
}

interface Outcome extends HostWord {
  readonly status: 'Succeeded' | 'Failed';
  readonly reported: CommandDiagnostics | null;
}

type Said<Answer> =
  | { readonly refusal: unknown }
  | { readonly isKnown: false; readonly changedId: null }
  /** @param changedId of the deployment that can go on now; null: none */
  | { readonly isKnown: true; readonly answer: Answer; readonly changedId: string | null };

type OnEvent<Word> = Word & { readonly event: LifecycleEventRow };
/** Carries out words about events that are held, each event once. @returns answers by command */
type Take<Word, Answer> = (
  tx: StoreTransaction,
  words: readonly OnEvent<Word>[],
) => Promise<ReadonlyMap<string, { readonly answer: Answer; readonly isChanged: boolean }>>;

/**
 * Locks the senders' powers and the events of their reports, and has the reports of those taken that may report. The first of several
 * reports on one event counts.
 */
async function takeAll<Word extends HostWord, Answer>(
  tx: StoreTransaction,
  words: readonly Word[],
  take: Take<Word, Answer>,
): Promise<readonly Said<Answer>[]> {
  const [powerful, events] = await Promise.all([
    lockPowers(
      tx,
      words.map(({ caller }) => caller),
    ),
    lockEventsByCommands(
      tx,
      words.map(({ hostCommandId }) => hostCommandId),
    ),
  ]);
  const own = new Map<string, OnEvent<Word>>();
  const refusals = new Map<Word, unknown>();
  for (const word of words) {
    const event = events.get(word.hostCommandId);
    try {
      if (!powerful.has(word.caller.accessKeyId)) await lockPower(tx, word.caller);
      if (event === undefined) continue;
      requireOwn(event, word.caller);
      if (!own.has(word.hostCommandId)) own.set(word.hostCommandId, { ...word, event });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refusals.set(word, error);
    }
  }
  const answers = own.size === 0 ? new Map() : await take(tx, [...own.values()]);
  return words.map((word): Said<Answer> => {
    if (refusals.has(word)) return { refusal: refusals.get(word) };
    const said = answers.get(word.hostCommandId);
    const event = events.get(word.hostCommandId);
    if (said === undefined || event === undefined) return { isKnown: false, changedId: null };
    return { isKnown: true, answer: said.answer, changedId: said.isChanged ? event.deployment_id : null };
  });
}

const answers = <Answer>(
  words: readonly OnEvent<HostWord>[],
  answer: (event: LifecycleEventRow, hostCommandId: string) => Answer,
  isChanged: (hostCommandId: string) => boolean = () => false,
) =>
  new Map(
    words.map(({ event, hostCommandId: id }) => [id, { answer: answer(event, id), isChanged: isChanged(id) }] as const),
  );

/** Begins the events that are Pending, if their own hosts acknowledge them. @returns whether each acknowledgement has begun its event */
async function beginTogether(
  { store, clock }: Pick<ReportContext, 'store' | 'clock'>,
  words: readonly HostWord[],
): Promise<readonly boolean[]> {
  // A host may acknowledge an event twice at once, with two keys. One of them is enough.
  const first = new Map(words.toReversed().map((word) => [word.hostCommandId, word]));
  const keys = [...first.values()].map(({ caller }) => caller.accessKeyId);
  const begun = await store
    .statement((db) => beginEventsOfHosts(db, [...first.keys()], keys, clock.now()), 'lazy')
    .catch((error: unknown) => {
      // When the connection broke, nobody knows whether the statement was carried out. The longer way finds out, and may try again.
      if (TOGETHER.isOfAll(error)) return new Set<string>();
      throw error;
    });
  return words.map((word) => first.get(word.hostCommandId) === word && begun.has(word.hostCommandId));
}

async function beginAll(tx: StoreTransaction, words: readonly OnEvent<HostWord>[], nowMs: number) {
  const pending = words.filter(({ event }) => event.status === 'Pending').map(({ hostCommandId }) => hostCommandId);
  const begun = pending.length === 0 ? new Set() : await beginEvents(tx, pending, nowMs);
  return answers<CommandStatus>(words, (event, id) => {
    if (event.status !== 'Pending') return statusOf(event);
    return begun.has(id) ? 'InProgress' : 'Failed';
  });
}

/** Hosts say that there is nothing to do for these events. */
async function skipAll(tx: StoreTransaction, words: readonly OnEvent<HostWord>[], nowMs: number) {
  // What the agent does itself is never nothing, whatever it says.
  const noops = words.filter(({ event }) => isHookEvent(event.event_name));
  const others = words.filter((word) => !noops.includes(word));
  const ended: EndedEvent[] = [];
  for (const { event } of noops) {
    if (event.status !== 'Pending') continue;
    const deployment = await findDeployment(tx, event.deployment_id);
    if (deployment === null || deployment.stop_requested_at_ms !== null) continue;
    ended.push({ event, status: 'Succeeded', reported: null });
  }
  const changed = await endEventsOfHosts(tx, ended, nowMs);
  const done = answers<CommandStatus>(
    noops,
    (event, id) => {
      if (event.status !== 'Pending') return statusOf(event);
      return changed.has(id) ? 'Succeeded' : 'Failed';
    },
    (id) => changed.has(id),
  );
  return others.length === 0 ? done : new Map([...done, ...(await beginAll(tx, others, nowMs))]);
}

async function endAll(tx: StoreTransaction, words: readonly OnEvent<Outcome>[], nowMs: number) {
  const changed = await endEventsOfHosts(tx, words, nowMs);
  return answers(
    words,
    () => null,
    (id) => changed.has(id),
  );
}

/** As hosts understand it: what was skipped is not wanted. */
function statusOf({ status }: LifecycleEventRow): CommandStatus {
  return status === 'Skipped' || status === 'Unknown' ? 'Failed' : status;
}

function requireOwn(event: LifecycleEventRow, caller: HostActor): void {
  if (event.host_arn === caller.hostArn) return;
  throw new ApiError('ClientException', `The command ${event.host_command_id} is not one of this host.`);
}

/**
 * Live logs on the wire: what the scripts of a command write while they run, beside the host command API. CodeDeploy has nothing like it, so it
 * has a target of its own, and our agent sends it only where the server has said that it takes it. Pure.
 *
 * Positions are counted in bytes of UTF-8 from the beginning of the event's log. So a batch that comes again is taken once, and a batch
 * that begins behind the end of the last one says how much was left out between them.
 */
import type { HostCommandOperations } from './shapes.ts';

export const HOST_LOG_TARGET = 'SlipwayHostLogs_20261101';
export const PUT_LOGS = 'PutHostCommandLogs';

/** Member of a poll's answer by which our server asks our agent for live logs. */
export type WithLiveLogs = HostCommandOperations['PollHostCommand']['output'] & { readonly LiveLogs?: boolean };

export interface LogBatch {
  readonly HostCommandIdentifier: string;
  /** Bytes of the event's log that come before the text. */
  readonly FirstByte: number;
  /** Whole characters; together at most `MOST_LOG_BYTES` in one call. */
  readonly Text: string;
}

export interface PutHostCommandLogsInput {
  readonly HostIdentifier: string;
  readonly Batches: readonly LogBatch[];
}

export interface PutHostCommandLogsOutput {
  /** How long the server wants to be left alone with logs. */
  readonly WaitMs?: number;
}

/** Text of all batches in one call, in bytes of UTF-8. */
export const MOST_LOG_BYTES = 64 * 1024;
/** Batches in one call. An agent runs at most 48 commands at once. */
export const MOST_LOG_BATCHES = 64;

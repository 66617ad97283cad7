/** Interface of every receiver of notices to the rest of the server. Pure. */
import { createHash } from 'node:crypto';

export interface OutgoingNotice {
  /** Id of the notice: the same each time that it is sent, so that a receiver can tell a repetition. */
  readonly messageId: string;
  /** Name of the target in the group: the ARN of a topic, or a name of the server's file. */
  readonly target: string;
  readonly event: string;
  readonly subject: string;
  /** The documented payload, JSON. */
  readonly message: string;
  /** When it happened, not when it is sent; milliseconds since the epoch. */
  readonly madeAtMs: number;
  /** Notices with the same one come in order. */
  readonly deploymentId: string;
}

export interface NoticeAnswer {
  /** `failed`: later it may be taken; `refused`: this very notice is not taken, however often it comes. */
  readonly ending: 'sent' | 'failed' | 'refused';
  /** Answer of the receiver, in one line. */
  readonly answer: string;
}

/** Sends once. Never rejects. */
export type SendNotice = (notice: OutgoingNotice, signal: AbortSignal) => Promise<NoticeAnswer>;

/** Receivers by what groups call them. */
export interface NoticeTargets {
  /** null: there is no such receiver. */
  find(target: string): SendNotice | null;
}

/** A UUID that follows from the notice: as SNS writes its own ids. */
export function messageIdOf(noticeId: string): string {
  const hash = createHash('sha256').update(noticeId).digest('hex');
  // Version 8 of RFC 9562: a hash of the application's own choice.
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}

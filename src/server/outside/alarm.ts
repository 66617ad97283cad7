/** What every alarm is to the rest of the server. Pure. */

export interface AlarmReading {
  /** `unreadable`: whoever knows could not be asked, or gave no answer that says anything. */
  readonly state: 'ok' | 'alarm' | 'unreadable';
  /** What was seen, in words. */
  readonly detail: string;
  /** An alarm because nothing answered at all; one lost packet looks the same. */
  readonly isSilence?: boolean;
}

/** Looks once. Never rejects. */
export type Alarm = (signal: AbortSignal) => Promise<AlarmReading>;

/** By the names that deployment groups call them. */
export type Alarms = ReadonlyMap<string, Alarm>;

/** Why a request has failed, in one line. */
export function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

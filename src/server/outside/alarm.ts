/** Interface of every alarm to the rest of the server. Pure. */

export interface AlarmReading {
  /** `unreadable`: the service could not be asked, or gave no answer that says anything. */
  readonly state: 'ok' | 'alarm' | 'unreadable';
  /** Description of what was seen. */
  readonly detail: string;
  /** An alarm because nothing answered at all; one lost packet looks the same. */
  readonly isSilence?: boolean;
}

/** Looks once. Never rejects. */
export type Alarm = (signal: AbortSignal) => Promise<AlarmReading>;

/** Alarms by the names that deployment groups give them. */
export interface Alarms {
  has(name: string): boolean;
  /** Looks once at all of these; of one that there is not, nothing is said. Never rejects. */
  read(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, AlarmReading>>;
}

/** Why a request has failed, in one line. */
export function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

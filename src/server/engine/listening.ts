/** Since when a server hears of its hosts. Silence counts only from then on: a server that was down must not fail honest hosts. */
export interface Listening {
  /** The database was there just now, so that a poll could have been noted. */
  confirm(nowMs: number): void;
  sinceMs(nowMs: number): number;
}

/** @param breakMs confirmations further apart than this mean that the server, its database or the whole machine stood still between them */
export function createListening(startedAtMs: number, breakMs: number): Listening {
  let sinceMs = startedAtMs;
  let confirmedAtMs = startedAtMs;
  const noticeBreak = (nowMs: number) => {
    // A clock that was set back says nothing about silence, either.
    if (nowMs - confirmedAtMs > breakMs || nowMs < sinceMs) sinceMs = nowMs;
  };
  return {
    confirm(nowMs) {
      noticeBreak(nowMs);
      confirmedAtMs = nowMs;
    },
    sinceMs(nowMs) {
      noticeBreak(nowMs);
      return sinceMs;
    },
  };
}

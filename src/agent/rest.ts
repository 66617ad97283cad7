/** Rest of the daemon, after its start and after its commands: it gives back the memory that they took. */

export interface Rest {
  /** Nothing is to be done any more, as far as is known. */
  begins(): void;
  /** The daemon ends. */
  close(): void;
}

/** Between two commands of a deployment there is no rest; and a person who has just heard of the end may look at once. */
const SETTLE_MS = 2_000;

/** @param collect gives back what is not used */
export function createRest(collect: () => void): Rest {
  let timer: NodeJS.Timeout | undefined;
  return {
    begins() {
      clearTimeout(timer);
      timer = setTimeout(collect, SETTLE_MS);
      timer.unref();
    },
    close: () => clearTimeout(timer),
  };
}

/** One call for all who ask the same question at the same time. */

/** The call itself, no matter who still waits for it. */
const CALL_LIMIT_MS = 15_000;

/** Each caller waits for the answer no longer than its own signal allows; the call itself goes on for the others. */
export function shared<Answer>(
  ask: (key: string, signal: AbortSignal) => Promise<Answer>,
): (key: string, signal: AbortSignal) => Promise<Answer> {
  const underWay = new Map<string, Promise<Answer>>();
  return async (key, signal) => {
    let answer = underWay.get(key);
    if (answer === undefined) {
      answer = ask(key, AbortSignal.timeout(CALL_LIMIT_MS)).finally(() => underWay.delete(key));
      // Whoever asked may have gone meanwhile.
      answer.catch(() => undefined);
      underWay.set(key, answer);
    }
    return unlessAborted(answer, signal);
  };
}

function unlessAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  void answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  return promise;
}

/** Data of the API in a component: loaded when it appears, asked for anew when something changes, and kept meanwhile. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { Refusal } from './call.ts';
import { useSession } from './session-context.ts';
import { listen } from './stream.ts';

export interface Loaded<Data> {
  /** null: not there yet. */
  readonly data: Data | null;
  /** Why the last question failed; null: it did not. */
  readonly problem: Refusal | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** The shortest time between two questions for the same data: a page is told of more changes than it has to show. */
const LEAST_PAUSE_MS = 250;

/**
 * @param key says which data it is; other data replace those that are there
 * @param load is called anew when the key changes and at each `reload`; calls never overlap
 */
export function useData<Data>(key: string, load: (signal: AbortSignal) => Promise<Data>): Loaded<Data> {
  const { onSignedOut } = useSession();
  const [state, setState] = useState<{ key: string; data: Data | null; problem: Refusal | null }>({
    key,
    data: null,
    problem: null,
  });
  const [isLoading, setLoading] = useState(true);
  const latest = useRef(load);
  latest.current = load;
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    const ended = new AbortController();
    let isBusy = false;
    let isAskedAgain = false;
    const run = async (): Promise<void> => {
      if (isBusy) {
        isAskedAgain = true;
        return;
      }
      isBusy = true;
      setLoading(true);
      const problem = await latest.current(ended.signal).then(
        (data) => {
          if (!ended.signal.aborted) setState({ key, data, problem: null });
          return null;
        },
        (error: unknown) => refusalOf(error),
      );
      if (ended.signal.aborted) return;
      if (problem?.status === 401) return onSignedOut();
      if (problem !== null) setState((before) => ({ key, data: before.key === key ? before.data : null, problem }));
      setLoading(false);
      await new Promise((resolve) => setTimeout(resolve, LEAST_PAUSE_MS));
      isBusy = false;
      if (isAskedAgain && !ended.signal.aborted) {
        isAskedAgain = false;
        await run();
      }
    };
    again.current = () => void run();
    void run();
    return () => ended.abort();
  }, [key, onSignedOut]);

  const reload = useCallback(() => again.current(), []);
  const isCurrent = state.key === key;
  return { data: isCurrent ? state.data : null, problem: isCurrent ? state.problem : null, isLoading, reload };
}

/**
 * Calls back at each change of a topic while the page is looked at, and when it is looked at again. A browser has six connections to a
 * server for all its tabs, so pages in the background must not hold them.
 *
 * @param topic null: nothing is listened to
 * @returns whether changes arrive now
 */
export function useChanges(topic: string | null, onChange: () => void): boolean {
  const { onSignedOut } = useSession();
  const [isLive, setLive] = useState(false);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (topic === null) return;
    let ended: AbortController | null = null;
    const end = () => {
      ended?.abort();
      ended = null;
      setLive(false);
    };
    const follow = () => {
      if (document.visibilityState !== 'visible') return end();
      if (ended !== null) return;
      ended = new AbortController();
      void listen(topic, { onChange: () => latest.current(), onSignedOut, onLive: setLive }, ended.signal);
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      end();
    };
  }, [topic, onSignedOut]);
  return isLive;
}

/** Calls back every so often while the page is looked at; for what is not worth a stream. */
export function useEvery(periodMs: number, callback: () => void): void {
  const latest = useRef(callback);
  latest.current = callback;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current();
    }, periodMs);
    return () => clearInterval(timer);
  }, [periodMs]);
}

export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Refusal('ConsoleFault', `The console has met a fault of its own: ${message}`, -1);
}

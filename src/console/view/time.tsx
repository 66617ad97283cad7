/** Times in the reader's zone, with UTC when they are pointed at. */
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { durationText, timeText } from './times.ts';

const NowContext = createContext(0);

/** One clock for the page, which goes on each second. */
export function NowProvider({ children }: { readonly children: ReactNode }) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1_000);
    return () => clearInterval(timer);
  }, []);
  return <NowContext value={now}>{children}</NowContext>;
}

/** Epoch seconds. */
export function useNow(): number {
  return useContext(NowContext);
}

/** @param seconds undefined: there is no such time */
export function Time({ seconds }: { readonly seconds: number | undefined }) {
  if (seconds === undefined) return <>–</>;
  return (
    <time dateTime={new Date(seconds * 1000).toISOString()} title={timeText(seconds, 'UTC')}>
      {timeText(seconds, null)}
    </time>
  );
}

export function Ago({ seconds }: { readonly seconds: number | undefined }) {
  const now = useNow();
  if (seconds === undefined) return <>never</>;
  return (
    <time dateTime={new Date(seconds * 1000).toISOString()} title={timeText(seconds, 'UTC')}>
      {durationText(now - seconds)} ago
    </time>
  );
}

/** From a beginning to its end, or to now. */
export function Elapsed({ from, to }: { readonly from: number | undefined; readonly to: number | undefined }) {
  const now = useNow();
  if (from === undefined) return <>–</>;
  return <>{durationText((to ?? now) - from)}</>;
}

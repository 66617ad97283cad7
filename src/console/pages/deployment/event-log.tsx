/** What the scripts of one event write, as it comes. The end stays in sight unless the reader has scrolled up. */
import Box from '@cloudscape-design/components/box';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { call } from '../../api/call.ts';
import { useChanges, useData } from '../../api/use-data.ts';
import { plainText } from '../../view/plain-text.ts';
import { joinLog, type ReadLog, tailOf } from './log-parts.ts';

interface EventLogProps {
  readonly deployment: string;
  readonly target: string;
  readonly event: string;
  readonly status: string | undefined;
  /** Shown in place of a log that the server does not have. */
  readonly instead: ReactNode;
}

/** Hosts send the last of their output a moment after their report. */
const LAST_OUTPUT_MS = 2_000;
/** So near to the end, in pixels, a reader counts as being there. */
const NEAR_END = 24;

export function EventLog({ deployment, target, event, status, instead }: EventLogProps) {
  const kept = useRef<ReadLog>({ text: '', nextByte: 0 });
  const log = useData(`log ${deployment} ${target} ${event}`, async (signal) => {
    kept.current = await readOn(
      kept.current,
      { deploymentId: deployment, targetId: target, lifecycleEventName: event },
      signal,
    );
    return kept.current.text;
  });
  const isRunning = status === 'InProgress';
  useChanges(isRunning ? `${deployment}/${target}/${event}` : null, log.reload);
  const { reload } = log;
  useEffect(() => {
    if (isRunning) return;
    const timer = setTimeout(reload, LAST_OUTPUT_MS);
    return () => clearTimeout(timer);
  }, [isRunning, reload]);
  if (log.data === null) return log.problem === null ? null : instead;
  return log.data === '' ? instead : <Lines text={plainText(log.data)} />;
}

/** Reads what has come since. The older part of a long log is let go. */
async function readOn(
  { text, nextByte }: ReadLog,
  about: { readonly deploymentId: string; readonly targetId: string; readonly lifecycleEventName: string },
  signal: AbortSignal,
): Promise<ReadLog> {
  let read: ReadLog = { text, nextByte };
  for (;;) {
    const part = await call('GetEventLog', { ...about, firstByte: read.nextByte }, signal);
    if (part.text === '' || part.nextByte <= read.nextByte) return read;
    read = tailOf(joinLog(read, part));
  }
}

function Lines({ text }: { readonly text: string }) {
  const box = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the end moves with the text
  useLayoutEffect(() => {
    if (isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <section
      ref={box}
      className="event-log"
      aria-label="Log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must be able to scroll it
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
      }}
    >
      {/* The words of a script stay text: nothing in them is read as markup. */}
      <Box variant="pre">{text}</Box>
    </section>
  );
}

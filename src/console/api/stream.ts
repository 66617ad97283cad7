/** The server's stream of changes, which says when to ask the API again. */
import { askRaw, Refusal } from './call.ts';

export interface StreamEvents {
  /** Something is new, or may have been missed. */
  readonly onChange: () => void;
  readonly onSignedOut: () => void;
  /** Whether changes arrive now. */
  readonly onLive: (isLive: boolean) => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Listens until the signal aborts, and begins anew whenever the connection breaks. */
export async function listen(topic: string, events: StreamEvents, signal: AbortSignal): Promise<void> {
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      const response = await askRaw('GET', `/console/events?topic=${encodeURIComponent(topic)}`, { signal });
      for await (const name of namesOf(response)) {
        waitMs = FIRST_WAIT_MS;
        if (name === 'signed-out') return events.onSignedOut();
        if (name === 'open') events.onLive(true);
        events.onChange();
      }
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) return events.onSignedOut();
      if (error instanceof Refusal && isFinal(error)) return;
    }
    if (signal.aborted) return;
    events.onLive(false);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** A topic that is refused would be refused again; too many requests at once are another matter. */
function isFinal({ type, status }: Refusal): boolean {
  return status >= 400 && status < 500 && status !== 429 && type !== 'ThrottlingException';
}

/** Names of the events, as they come. */
async function* namesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const messages = `${rest}${part.value}`.split('\n\n');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const name = /^event: ?(.*)$/m.exec(message)?.[1];
      if (name !== undefined) yield name;
    }
  }
}

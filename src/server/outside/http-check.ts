/** An alarm that is an HTTP request: anything but the status that is wanted is an alarm, also no answer. */
import { type Alarm, causeOf } from './alarm.ts';

export interface HttpCheckSettings {
  readonly url: string;
  readonly status: number;
}

export function createHttpCheck({ url, status }: HttpCheckSettings): Alarm {
  return async (signal) => {
    try {
      const answer = await fetch(url, { signal, redirect: 'manual', headers: { connection: 'close' } });
      await answer.body?.cancel();
      const state = answer.status === status ? 'ok' : 'alarm';
      return { state, detail: `GET ${url} answered ${answer.status}, and ${status} is wanted` };
    } catch (error) {
      return { state: 'alarm', detail: `GET ${url} got no answer: ${causeOf(error)}`, isSilence: true };
    }
  };
}

/**
 * The thread that lists a bundle. Bundles come from strangers, and the libraries that read them here are not made for that: in a thread of
 * its own, a look that goes wrong takes nothing with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../errors.ts';
import { createFindings } from './findings.ts';
import { type FromThread, type LookTask, type ReadRange, StoppedLook, type ToThread } from './messages.ts';
import { listTar } from './tar-list.ts';
import { listZip } from './zip-list.ts';

const task = workerData as LookTask;
const { limits } = task;
const findings = createFindings(limits);
const endMs = performance.now() + limits.maxMs;
const waiting: PromiseWithResolvers<Uint8Array>[] = [];
let readBytes = 0;

const read: ReadRange = (from, to) => {
  if (performance.now() > endMs) throw new StoppedLook(`it was read for ${limits.maxMs / 1000} seconds`);
  readBytes += to - from;
  if (readBytes > limits.maxReadBytes) throw new StoppedLook(`the first ${limits.maxReadBytes} bytes were read`);
  const answer = Promise.withResolvers<Uint8Array>();
  waiting.push(answer);
  post({ kind: 'range', from, to });
  return answer.promise;
};

parentPort?.on('message', (message: ToThread) => {
  const answer = waiting.shift();
  if ('bytes' in message) answer?.resolve(message.bytes);
  else answer?.reject(new StoppedLook(message.fault));
});
// A library's own slip: what was found until then counts.
process.on('uncaughtException', (error) => end(`it cannot be read further: ${messageOf(error)}`));
process.on('unhandledRejection', (error) => end(`it cannot be read further: ${messageOf(error)}`));

try {
  await (task.format === 'zip' ? listZip : listTar)(task, async (from, to) => read(from, to), findings);
  end(null);
} catch (error) {
  end(error instanceof StoppedLook ? error.message : `it cannot be read further: ${messageOf(error)}`);
}

function end(why: string | null): void {
  if (why !== null) findings.stop(why);
  post({ kind: 'done', list: findings.list() });
}

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

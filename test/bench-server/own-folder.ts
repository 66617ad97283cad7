/** One folder for all that a run of the bench makes. It is gone after the run, also when the run is killed, and so is whatever works in it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('folder-keeper.ts', import.meta.url));

/** Makes the folder and has all scratch folders of this process made in it. */
export async function ownFolder(): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  // PostgreSQL runs as another user, and has a folder of its own in there.
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = folder;
  const keeper = fork(KEEPER, [folder], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(keeper, 'message');
  // A bench that has said all it had to say does not wait for it.
  keeper.unref();
  keeper.channel?.unref();
  return {
    async [Symbol.asyncDispose]() {
      const gone = once(keeper, 'exit');
      keeper.ref();
      keeper.disconnect();
      await gone;
    },
  };
}

import { execFile } from 'node:child_process';
import { programEnvironment } from './program-environment.ts';

/**
 * Tells systemd how the service is (`READY=1`, `STOPPING=1`, `STATUS=…`), if it is one: without NOTIFY_SOCKET nothing happens.
 *
 * Through `systemd-notify`, so that no native code is needed; without execa, which an idle daemon would carry for this alone. It waits until
 * systemd has read the message: from a process that is not root and has ended, systemd takes none. A failure to tell is not a failure to
 * serve, and is ignored: systemd itself reports a service that never becomes ready.
 */
export async function notifyServiceManager(
  env: Readonly<Record<string, string | undefined>>,
  ...states: readonly string[]
): Promise<void> {
  if (!env['NOTIFY_SOCKET']) return;
  await new Promise<void>((resolve) => {
    execFile(
      'systemd-notify',
      [...states],
      { timeout: 5_000, env: { ...programEnvironment(env), NOTIFY_SOCKET: env['NOTIFY_SOCKET'] } },
      () => resolve(),
    );
  });
}

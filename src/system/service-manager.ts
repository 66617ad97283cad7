import { execa } from 'execa';

/**
 * Tells systemd how the service is (`READY=1`, `STOPPING=1`, `STATUS=…`), if it is one: without NOTIFY_SOCKET nothing happens.
 *
 * Through `systemd-notify`, so that no native code is needed. A failure to tell is not a failure to serve, and is ignored: systemd
 * itself reports a service that never becomes ready.
 */
export async function notifyServiceManager(
  env: Readonly<Record<string, string | undefined>>,
  ...states: readonly string[]
): Promise<void> {
  if (!env['NOTIFY_SOCKET']) return;
  await execa('systemd-notify', ['--no-block', ...states], { reject: false, timeout: 5_000 });
}

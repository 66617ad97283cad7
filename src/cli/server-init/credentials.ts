/** The addition to the service's unit that hands TLS files over, wherever they are. Pure. */
import type { InitPlan } from './plan.ts';

export const CREDENTIALS_FILE = '/etc/systemd/system/slipway-server.service.d/tls.conf';
/** The first systemd with `LoadCredential=`. */
export const FIRST_WITH_CREDENTIALS = 247;

/** The names are those that the server looks for (`TLS_CREDENTIALS`). */
export function credentialsText({ certFile, keyFile }: InitPlan['tls']): string {
  // A path is the rest of the line, without quotes; only specifiers count in it.
  const line = (name: string, file: string) => `LoadCredential=${name}:${file.replaceAll('%', '%%')}\n`;
  return `# systemd reads these files as root for the server, whose user need not be able to.\n[Service]\n${line('tls.pem', certFile)}${line('tls.key', keyFile)}`;
}

/** @param said first lines of `systemctl --version`, such as `systemd 252 (252.39-1~deb12u2)` @returns null: that is no version */
export function systemdVersionIn(said: string): number | null {
  const version = /^systemd (\d+)/.exec(said)?.[1];
  return version === undefined ? null : Number(version);
}

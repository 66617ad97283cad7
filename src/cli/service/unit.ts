/** systemd units for this machine, made from the ones in `systemd/`. Pure: text in, text out. */

/** The command line of the unit's ExecStart, as a list; each word is quoted for systemd. */
export interface UnitSettings {
  readonly execStart: readonly string[];
}

/**
 * The unit with its ExecStart replaced by the program as it is installed on this machine.
 *
 * @throws Error when the unit has no ExecStart line: the package is damaged
 */
export function renderUnit(template: string, settings: UnitSettings): string {
  const line = `ExecStart=${startable(settings.execStart).map(quoteWord).join(' ')}`;
  if (!/^ExecStart=.*$/m.test(template)) throw new Error('the unit template has no ExecStart line');
  return template.replace(/^ExecStart=.*$/m, () => line);
}

/**
 * systemd takes no program whose path has one of these signs in it, however it is quoted, but takes any argument. So a shell starts the
 * program.
 */
function startable(execStart: readonly string[]): readonly string[] {
  const [program = ''] = execStart;
  return /["'\\$]/.test(program) ? ['/bin/sh', '-c', 'exec "$0" "$@"', ...execStart] : execStart;
}

/** A word as systemd.service(5) reads it: specifiers and variables doubled, quoted when it holds a blank or a quote. */
export function quoteWord(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[A-Za-z0-9_@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

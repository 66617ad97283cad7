/** The file of settings that a service reads, as a template: every setting with its default, commented out. Pure. */
import type { Option } from 'commander';

/** @param options of the command that the service runs; those without a variable have no line */
export function environmentTemplate(service: string, options: readonly Option[]): string {
  const settings = options.flatMap((option) => {
    const { envVar, description, defaultValue, defaultValueDescription } = option;
    if (envVar === undefined) return [];
    const shown: unknown = defaultValueDescription ?? defaultValue;
    return [`# ${description}\n#${envVar}=${shown === undefined ? '' : String(shown)}\n`];
  });
  return (
    `# Settings of ${service}, one VARIABLE=value a line. Lines that begin with # do not count.\n` +
    `# After a change: systemctl restart ${service}\n\n${settings.join('\n')}`
  );
}

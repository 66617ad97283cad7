/** The agent's configuration file as a package brings it: every key with its default, commented out. Pure. */
import type { ConfigKey } from '../src/config/agent-keys.ts';

export function agentConfiguration(keys: readonly ConfigKey[]): string {
  const settings = keys.map(({ key, default: value, meaning }) => {
    const isSet = value !== null && !(Array.isArray(value) && value.length === 0);
    return `# ${meaning}\n#${key}:${isSet ? ` ${String(value)}` : ''}\n`;
  });
  return (
    '# Configuration of the Slipway host agent: see codedeployagent.yml(5). Lines that begin with # do not count.\n' +
    `# After a change: systemctl restart slipway-agent\n\n${settings.join('\n')}`
  );
}

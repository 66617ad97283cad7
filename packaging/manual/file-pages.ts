/** The pages of section 5: the agent's configuration file and the AppSpec file. Pure. */
import type { ConfigKey } from '../../src/config/agent-keys.ts';
import { entry, type Page, paragraph, section, verbatim } from './roff.ts';

export interface Rule {
  readonly id: string;
  readonly severity: 'error' | 'warning';
  readonly meaning: string;
}

export function configurationPage(keys: readonly ConfigKey[], defaultFile: string): Page {
  return {
    name: 'codedeployagent.yml',
    section: 5,
    summary: 'configuration of the Slipway host agent',
    body: [
      ...section(
        'Description',
        ...paragraph(`The agent reads ${defaultFile}, or the file that --config-file names.`),
        ...paragraph(
          'It is YAML: a key and its value a line. A key may have a colon before its name, as in files of the official agent. The agent reads the file when it starts.',
        ),
      ),
      ...section('Keys', ...keys.flatMap((key) => entry(key.key, `${meaningOf(key)}`, defaultOf(key)))),
      ...section('See also', 'slipway\\-agent(8), slipway\\-doctor(1)'),
    ],
  };
}

/** @param example an AppSpec file in YAML */
export function appSpecPage(example: string, rules: readonly Rule[]): Page {
  return {
    name: 'appspec.yml',
    section: 5,
    summary: 'what a revision brings, and which scripts run when',
    body: [
      ...section(
        'Description',
        ...paragraph(
          'The AppSpec file stands in the root of a bundle. It says which files go where, who owns them, and which scripts run at each lifecycle event. `slipway validate` reads it as a host does.',
        ),
      ),
      ...section('Example', ...verbatim(example)),
      ...section('Rules', ...rules.flatMap(({ id, severity, meaning }) => entry(`${id} (${severity})`, meaning))),
      ...section('See also', 'slipway\\-validate(1), slipway\\-plan(1)'),
    ],
  };
}

function meaningOf({ meaning }: ConfigKey): string {
  return `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`;
}

function defaultOf({ type, default: value }: ConfigKey): string {
  const kind = typeof type === 'string' ? type : `one of ${type.join(', ')}`;
  const isSet = value !== null && !(Array.isArray(value) && value.length === 0);
  return `Type: ${kind}. Default: ${isSet ? String(value) : 'none'}.`;
}

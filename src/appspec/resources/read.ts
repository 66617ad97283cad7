/** The text of an AppSpec file for Lambda or ECS as its contents, or as findings. Pure. */
import { isMap } from 'yaml';
import { readDocumentText } from '../document.ts';
import { type FindingCollector, membersOf, type YamlNode } from '../reader.ts';
import type { Finding } from '../types.ts';
import { readVersion } from '../version.ts';
import { readEcsProperties } from './ecs.ts';
import { fieldsOf } from './fields.ts';
import { readResourceHooks } from './hooks.ts';
import { readLambdaProperties } from './lambda.ts';
import { type ResourcePlatform, resourceFileOf } from './platform.ts';
import { readTypedResource } from './resource.ts';
import type { ResourceAppSpec } from './types.ts';

export const RESOURCE_FILE_KEYS = ['version', 'Resources', 'Hooks'] as const;

export interface ResourceOptions {
  /** For messages about the file as a whole. */
  readonly filename: string;
  /** Platform that the file must be for; null: the `Type` of its resource tells. */
  readonly platform: ResourcePlatform | null;
}

export type ResourceReading =
  | { readonly ok: true; readonly appSpec: ResourceAppSpec; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * Reads an AppSpec file for Lambda or ECS, YAML or JSON. Keys and events count without capitals, as the user guide itself writes them both
 * ways. Never throws: every problem is a finding with its place, and all of them are found at once.
 *
 * @see the AWS CodeDeploy user guide, "AppSpec file structure for Amazon ECS deployments" and "… for AWS Lambda deployments"
 */
export function readResourceAppSpec(text: string, { filename, platform }: ResourceOptions): ResourceReading {
  const options = { filename, least: "'version: 0.0' and 'Resources'" };
  const { content, findings } = readDocumentText(text, options, (collector, root) =>
    readFile(collector, root, platform),
  );
  return content === null || findings.some(({ severity }) => severity === 'error')
    ? { ok: false, findings }
    : { ok: true, appSpec: content, findings };
}

/**
 * Which platform a text is for, by the `Type` of its resource.
 *
 * @returns 'Server' also for what is no AppSpec file at all: the grammar of hosts says then what is wrong
 */
export function platformOfText(text: string): ResourcePlatform | 'Server' | 'Lambda or ECS' {
  const options = { filename: '', least: '' };
  const { content } = readDocumentText(text, options, (collector, root) => {
    const file = isMap(root) ? resourceFileOf(collector, membersOf(collector, root, 'the AppSpec file') ?? []) : null;
    return file === null ? null : (file.platform ?? 'Lambda or ECS');
  });
  return content ?? 'Server';
}

function readFile(
  collector: FindingCollector,
  root: YamlNode | null,
  platform: ResourcePlatform | null,
): ResourceAppSpec | null {
  const file = fieldsOf(collector, root, 'an AppSpec file with Resources', RESOURCE_FILE_KEYS);
  if (file === null) return null;
  readVersion(collector, root ?? undefined, file.get('version'));
  const resource = readTypedResource(collector, file, platform);
  // Without a known type the events of neither platform can be asked of the hooks.
  if (resource === null) return null;
  const hooks = readResourceHooks(collector, file.get('Hooks'), resource.platform);
  const { platform: kind, logicalName, properties } = resource;
  if (properties === null) return null;
  if (kind === 'Lambda') {
    const read = readLambdaProperties(collector, properties);
    return read === null ? null : { platform: kind, logicalName, ...read, hooks };
  }
  const read = readEcsProperties(collector, properties);
  return read === null ? null : { platform: kind, logicalName, ...read, hooks };
}

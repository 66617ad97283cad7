import { describe, type FindingCollector, isEmpty, itemsOf, membersOf, sourceOf, type YamlNode } from './reader.ts';
import { didYouMean } from './suggest.ts';
import type { FileMapping } from './types.ts';

const KEYS = ['source', 'destination'] as const;

/** The `files` section: what of the revision goes where. */
export function readFiles(collector: FindingCollector, node: YamlNode | null): FileMapping[] {
  const items = itemsOf(collector, node, 'files') ?? [];
  return items.flatMap((item) => readMapping(collector, item) ?? []);
}

function readMapping(collector: FindingCollector, item: YamlNode): FileMapping | null {
  const members = membersOf(collector, item, 'an entry of files');
  if (members === null) return null;
  for (const { name, key } of members) {
    if (!(KEYS as readonly string[]).includes(name)) {
      collector.warning(
        'unknown-key',
        key,
        `'${name}' is no key of an entry of files and is ignored${didYouMean(name, KEYS)}`,
      );
    }
  }
  const text = (name: string): { node: YamlNode | null; value: string | null } => {
    const member = members.find((candidate) => candidate.name === name);
    if (member === undefined || isEmpty(collector.resolve(member.value))) return { node: null, value: null };
    const value = sourceOf(collector, member.value);
    if (value === null) {
      const message = `${name} must be a path, but is ${describe(collector.resolve(member.value))}`;
      collector.error(`${name}-not-text`, member.value ?? member.key, message);
    }
    return { node: member.value, value };
  };
  const source = text('source');
  const destination = text('destination');
  if (source.value === null) {
    const of = destination.value === null ? '' : ` of the destination ${destination.value}`;
    collector.error('source-missing', item, `the source${of} is missing`);
  }
  if (destination.value === null) {
    const of = source.value === null ? '' : ` of the source ${source.value}`;
    collector.error('destination-missing', item, `the destination${of} is missing`);
  }
  if (source.value === null || destination.value === null) return null;
  if (!destination.value.startsWith('/')) {
    collector.error(
      'destination-relative',
      destination.node,
      `the destination must be an absolute folder, but is '${destination.value}'`,
    );
    return null;
  }
  if (source.value.includes('\0') || destination.value.includes('\0')) {
    collector.error('path-with-nul', item, 'a path cannot hold the character NUL');
    return null;
  }
  // A leading slash means the root of the revision, and `/` alone the whole of it.
  return { source: source.value.replace(/^\/+/, ''), destination: destination.value };
}

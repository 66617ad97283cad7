/** The section `files` of an AppSpec file. Pure. */
import { type FindingCollector, itemsOf, membersOf, reportUnknownKeys, textOf, type YamlNode } from './reader.ts';
import type { FileMapping } from './types.ts';

export const FILE_KEYS = ['source', 'destination'] as const;

/** The `files` section: what of the revision goes where. */
export function readFiles(collector: FindingCollector, node: YamlNode | null): FileMapping[] {
  const items = itemsOf(collector, node, 'files', 'source') ?? [];
  return items.flatMap((item) => readMapping(collector, item) ?? []);
}

function readMapping(collector: FindingCollector, item: YamlNode): FileMapping | null {
  const members = membersOf(collector, item, 'an entry of files');
  if (members === null) return null;
  reportUnknownKeys(collector, members, FILE_KEYS, { section: 'files', what: 'an entry of files' });
  const find = (name: string) => members.find((candidate) => candidate.name === name);
  const source = textOf(collector, find('source')?.value ?? null, 'the source');
  const destination = textOf(collector, find('destination')?.value ?? null, 'the destination');
  if (source === null) {
    const of = destination === null ? '' : ` of the destination ${destination}`;
    collector.reportMissing('source-missing', find('source'), item, `the source${of} is missing`);
  }
  if (destination === null) {
    const of = source === null ? '' : ` of the source ${source}`;
    collector.reportMissing('destination-missing', find('destination'), item, `the destination${of} is missing`);
  }
  if (source === null || destination === null) return null;
  if (source.includes('\0') || destination.includes('\0')) {
    collector.report('path-with-nul', item, 'a path cannot hold the character NUL');
    return null;
  }
  const place = find('destination')?.value ?? null;
  if (!destination.startsWith('/')) {
    // Of a file for Windows that is said once, at its `os`.
    if (/^[A-Za-z]:[\\/]/.test(destination) && collector.findings.some(({ rule }) => rule === 'os-other')) return null;
    const message = `the destination must be an absolute folder, but is '${destination}'`;
    collector.report('destination-relative', place, message);
    return null;
  }
  if (destination.split('/').includes('..')) {
    collector.report('destination-climbs', place, `the destination ${destination} climbs with '..'`);
    return null;
  }
  // A leading slash means the root of the revision, and `/` alone the whole of it.
  const mapping = { source: source.replace(/^\/+/, ''), destination };
  collector.remember(mapping, item, members);
  return mapping;
}

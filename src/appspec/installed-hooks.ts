/** The hooks of an AppSpec file that was installed before. Pure. */
import { isMap, LineCounter, type Pair, parseDocument, visit, type YAMLMap } from 'yaml';
import { readHooks } from './hooks-section.ts';
import { MAX_CHARACTERS } from './limits.ts';
import { createCollector, membersOf, sourceOf, type YamlNode } from './reader.ts';
import type { Hook } from './types.ts';

export interface InstalledHooks {
  readonly hooks: ReadonlyMap<string, readonly Hook[]>;
  /** Faults of the hooks that could not be read, for the log. */
  readonly faults: readonly string[];
}

/**
 * Reads the hooks of a revision that is installed already, and nothing else: what only a new revision must satisfy is not asked of it. It
 * was let in by another version, or by the official agents, and nobody can change it any more. The last of two equal keys counts, as for the
 * official agent 1.8.1. Never throws.
 *
 * @returns null when there is no sense in the text at all
 */
export function readInstalledHooks(text: string): InstalledHooks | null {
  if (text.length > MAX_CHARACTERS) return null;
  try {
    return readText(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // Nested too deeply for the stack.
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}

function readText(text: string): InstalledHooks | null {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.1',
    uniqueKeys: false,
    merge: true,
    logLevel: 'silent',
    keepSourceTokens: false,
  });
  // What follows in a second document was never read by anybody.
  if (document.errors.some(({ code }) => code !== 'MULTIPLE_DOCS')) return null;
  const collector = createCollector(document, lines);
  const root = document.contents as YamlNode | null;
  if (!isMap(collector.resolve(root))) return null;
  visit(document, { Map: (_key, map) => keepLast(map, (key) => sourceOf(collector, key)) });
  const hooks = membersOf(collector, root, 'the AppSpec file')?.find(({ name }) => name === 'hooks');
  const read = readHooks(collector, hooks?.value ?? null);
  const faults = collector.findings.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  return { hooks: read, faults };
}

function keepLast(map: YAMLMap, textOf: (key: YamlNode) => string | null): void {
  const last = new Map<string, Pair>();
  for (const pair of map.items) {
    const name = textOf(pair.key as YamlNode);
    if (name !== null) last.set(name, pair);
  }
  map.items = map.items.filter((pair) => {
    const name = textOf(pair.key as YamlNode);
    return name === null || name === '<<' || last.get(name) === pair;
  });
}

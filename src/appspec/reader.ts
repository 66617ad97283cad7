/**
 * Reading a YAML tree with the place of everything in it. Every problem becomes a finding, and reading goes on, so that a person sees
 * all of them at once. Pure.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from 'yaml';
import { keyMeant, type Section, whereItBelongs } from './misplaced.ts';
import { LINT_RULES, type LintRuleId } from './rules.ts';
import { didYouMean } from './suggest.ts';
import { keyWithoutBlank } from './text-faults.ts';
import type { Finding, Places, Position } from './types.ts';

/** Collects findings, and knows where a node stands in the text. */
export interface FindingCollector extends Places {
  readonly findings: readonly Finding[];
  report(rule: LintRuleId, node: YamlNode | null, message: string): void;
  /** Reports a missing value at its key, else at the entry. Reports nothing after an error about the value: one fault is one finding. */
  reportMissing(rule: LintRuleId, member: Member | undefined, entry: YamlNode | null, message: string): void;
  /** Whether an error was said of this very node. */
  isFaulty(node: YamlNode | null): boolean;
  /** Follows an alias (`*name`) to what it stands for. */
  resolve(node: YamlNode | null): YamlNode | null;
  /** Notes where an entry that was read stands in the text, for those who check it against something else. */
  remember(entry: object, item: YamlNode, members: readonly Member[]): void;
}

/** Any node of a document, or nothing. */
export type YamlNode = Node | Pair | undefined;

/** A member of a mapping: its key's text, the key for messages about the member, the value. */
export interface Member {
  readonly name: string;
  readonly key: YamlNode;
  readonly value: YamlNode | null;
}

export function createCollector(document: Document, lines: LineCounter): FindingCollector {
  const findings: Finding[] = [];
  const faulty = new Set<YamlNode | null>();
  const targets = aliasTargets(document, (alias) => {
    faulty.add(alias);
    const message = `*${alias.source} stands for nothing: there is no &${alias.source} before it`;
    findings.push({ severity: 'error', rule: 'not-yaml', message, position: positionOf(alias, lines) });
  });
  const places = new WeakMap<object, { readonly item: YamlNode; readonly members: readonly Member[] }>();
  function report(rule: LintRuleId, node: YamlNode | null, message: string): void {
    const { severity } = LINT_RULES[rule];
    if (severity === 'error') faulty.add(node);
    findings.push({ severity, rule, message, position: positionOf(node, lines) });
  }
  return {
    findings,
    report,
    reportMissing(rule, member, entry, message) {
      if (member !== undefined && faulty.has(member.value)) return;
      report(rule, member?.key ?? entry, message);
    },
    isFaulty: (node) => faulty.has(node),
    resolve: (node) => (isAlias(node) ? (targets.get(node) ?? null) : node),
    remember: (entry, item, members) => void places.set(entry, { item, members }),
    placeOf(entry, key) {
      const place = places.get(entry);
      if (place === undefined) return null;
      const member = key === undefined ? undefined : place.members.find(({ name }) => name === key);
      return positionOf(member?.value ?? member?.key ?? place.item, lines);
    },
  };
}

/** Finds the target of each alias in one walk: the library walks the whole document for each alias. */
function aliasTargets(document: Document, onDangling: (alias: Alias) => void): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target === undefined) onDangling(node);
        else targets.set(node, target);
      } else if ('anchor' in node && node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return targets;
}

function positionOf(node: YamlNode | null, lines: LineCounter): Position | null {
  const range = node !== null && node !== undefined && 'range' in node ? node.range : null;
  if (!range) return null;
  const { line, col } = lines.linePos(range[0]);
  return { line, column: col };
}

/**
 * Returns the members of a mapping. Its own come first and win over those that a merge key (`<<`) brings in. Reports a finding and returns
 * null for another node.
 */
export function membersOf(collector: FindingCollector, node: YamlNode | null, what: string): Member[] | null {
  const mapping = collector.resolve(node);
  if (!isMap(mapping)) {
    const message = `${what} must be a mapping, but is ${describe(mapping)}${hintAboutMapping(mapping)}`;
    collector.report('not-a-mapping', node, message);
    return null;
  }
  const members = new Map<string, Member>();
  gatherMembers(collector, mapping, members, new Set());
  return [...members.values()];
}

/** Suggests a remedy for a node that is no mapping. */
function hintAboutMapping(node: YamlNode | null): string {
  if (isSeq(node)) return node.items.some((item) => isMap(item)) ? ': take the dashes before its keys away' : '';
  if (!isScalar(node) || typeof node.value !== 'string') return '';
  const key = keyWithoutBlank(node.value);
  return key === null ? '' : `: a blank is missing behind '${key}:'`;
}

/** @param seen mappings that were gathered: one that merges itself, or the same one a thousand times, brings nothing new */
function gatherMembers(
  collector: FindingCollector,
  mapping: YAMLMap,
  members: Map<string, Member>,
  seen: Set<YAMLMap>,
): void {
  if (seen.has(mapping)) return;
  const isMerged = seen.size > 0;
  seen.add(mapping);
  const own = new Set<string>();
  const merged: YamlNode[] = [];
  for (const pair of mapping.items) {
    const key = pair.key as YamlNode;
    if (isMergeKey(key)) {
      merged.push(pair.value as YamlNode);
      continue;
    }
    const name = isScalar(key) ? String(key.value) : String(key);
    if (own.has(name) && !isMerged) collector.report('duplicate-key', key, `the key '${name}' stands here twice`);
    own.add(name);
    if (!members.has(name)) members.set(name, { name, key, value: pair.value as YamlNode | null });
  }
  for (const node of merged) {
    const value = collector.resolve(node);
    for (const source of isSeq(value) ? (value.items as YamlNode[]) : [value ?? undefined]) {
      const other = collector.resolve(source);
      if (isMap(other)) gatherMembers(collector, other, members, seen);
      else if (!collector.isFaulty(node) && !collector.isFaulty(source))
        collector.report('not-a-mapping', node, `'<<' takes mappings, but there is ${describe(other)}`);
    }
  }
}

function isMergeKey(key: YamlNode): boolean {
  return isScalar(key) && key.source === '<<' && typeof key.value === 'symbol';
}

/**
 * The items of a list; null, with a finding, when the node is something else. Nothing at all is an empty list.
 *
 * @param firstKey that an entry begins with, for an author who has forgotten the dash before it
 */
export function itemsOf(
  collector: FindingCollector,
  node: YamlNode | null,
  what: string,
  firstKey?: string,
): YamlNode[] | null {
  const list = collector.resolve(node);
  if (isNothing(list)) return [];
  if (!isSeq(list)) {
    const hint = isMap(list) && firstKey !== undefined ? `: each entry begins with a dash, '- ${firstKey}: …'` : '';
    collector.report('not-a-list', node, `${what} must be a list, but is ${describe(list)}${hint}`);
    return null;
  }
  return list.items as YamlNode[];
}

/** The value of a scalar node: text, number, boolean or null; undefined for anything else. */
export function scalarOf(
  collector: FindingCollector,
  node: YamlNode | null,
): string | number | boolean | null | undefined {
  const scalar = collector.resolve(node);
  if (scalar === null || scalar === undefined) return null;
  if (!isScalar(scalar)) return undefined;
  const { value } = scalar;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null
    ? value
    : undefined;
}

/** The text as it stands in the file, which a number's value would have lost (`0644`); null for what is no scalar. */
export function sourceOf(collector: FindingCollector, node: YamlNode | null): string | null {
  const scalar = collector.resolve(node);
  if (!isScalar(scalar)) return null;
  if (typeof scalar.value === 'string') return scalar.value;
  return scalar.source ?? String(scalar.value);
}

/**
 * A text as it stands in the file, whatever YAML makes of it: a script may be called `1e0` and a user `yes`. Null for nothing and for the
 * empty text, and, with a finding, for what is no text.
 *
 * @param what for messages: `AfterInstall: runas`
 */
export function textOf(collector: FindingCollector, node: YamlNode | null, what: string): string | null {
  const scalar = collector.resolve(node);
  if (isEmpty(scalar)) return null;
  const text = sourceOf(collector, scalar);
  if (text === null) {
    const isBraced = (isMap(scalar) || isSeq(scalar)) && scalar.flow === true;
    const hint = isBraced ? ': quote a text that begins with a bracket; has a template not been filled in?' : '';
    collector.report('not-text', node, `${what} must be text, but is ${describe(scalar)}${hint}`);
  } else if (isScalar(scalar) && typeof scalar.value !== 'string' && !isDotOnly(scalar.value, text)) {
    const message = `quote it, "${text}": ${what} is text, but without quotes YAML reads it as something else`;
    collector.report('text-unquoted', node, message);
  } else if (TYPOGRAPHIC_QUOTE.test(text)) {
    const message = `${what} begins with a typographic quote, which belongs to the text: write " or '`;
    collector.report('typographic-quotes', node, message);
  }
  return text;
}

/** As word processors and chats put them in the place of plain ones. */
const TYPOGRAPHIC_QUOTE = /^[\u2018-\u201f\u00ab\u00bb]/;

/** The grammar of numbers in YAML 1.1 has room for a dot without digits, which no reader takes for a number. */
function isDotOnly(value: unknown, text: string): boolean {
  return typeof value === 'number' && Number.isNaN(value) && !/nan/i.test(text);
}

/**
 * Warns of members that nobody reads, and says where they would be read.
 *
 * @param what they are no key of: `an entry of files`
 */
export function reportUnknownKeys(
  collector: FindingCollector,
  members: readonly Member[],
  known: readonly string[],
  { section, what }: { readonly section: Section; readonly what: string },
): void {
  for (const { name, key } of members) {
    if (known.includes(name)) continue;
    const meant = keyMeant(name, section);
    const home = whereItBelongs(name, section);
    const ignored = `'${name}' is no key of ${what} and is ignored`;
    if (meant !== null) collector.report('unknown-key', key, `${ignored}; did you mean '${meant}'?`);
    else if (home !== null) collector.report('key-misplaced', key, `${ignored}: ${home}`);
    else collector.report('unknown-key', key, `${ignored}${didYouMean(name, known)}`);
  }
}

/** Whether there is no value at all. */
export function isNothing(node: YamlNode | null): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

/** Whether there is no value, or the empty text. */
export function isEmpty(node: YamlNode | null): boolean {
  return isNothing(node) || (isScalar(node) && node.value === '');
}

const MAX_QUOTED = 60;

/** Describes a node for messages. */
export function describe(node: YamlNode | null): string {
  if (isEmpty(node)) return 'empty';
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (isScalar(node))
    return typeof node.value === 'string' ? `the text '${shortened(node.value)}'` : `${String(node.value)}`;
  return 'something else';
}

/** A file that is something else altogether can be one long text. */
function shortened(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}

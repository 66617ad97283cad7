/**
 * Reading a YAML tree with the place of everything in it. Every problem becomes a finding, and reading goes on, so that a person sees
 * all of them at once.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import type { Finding, Position } from './types.ts';

export type Severity = Finding['severity'];

/** Collects findings, and knows where a node stands in the text. */
export interface FindingCollector {
  readonly findings: readonly Finding[];
  error(rule: string, node: YamlNode | null, message: string): void;
  warning(rule: string, node: YamlNode | null, message: string): void;
  /** Follows an alias (`*name`) to what it stands for. */
  resolve(node: YamlNode | null): YamlNode | null;
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
  const add = (severity: Severity, rule: string, node: YamlNode | null, message: string) => {
    findings.push({ severity, rule, message, position: positionOf(node, lines) });
  };
  return {
    findings,
    error: (rule, node, message) => add('error', rule, node, message),
    warning: (rule, node, message) => add('warning', rule, node, message),
    resolve: (node) => (isAlias(node) ? (node.resolve(document) ?? null) : node),
  };
}

function positionOf(node: YamlNode | null, lines: LineCounter): Position | null {
  const range = node !== null && node !== undefined && 'range' in node ? node.range : null;
  if (!range) return null;
  const { line, col } = lines.linePos(range[0]);
  return { line, column: col };
}

/** The members of a mapping; null, with a finding, when the node is something else. */
export function membersOf(collector: FindingCollector, node: YamlNode | null, what: string): Member[] | null {
  const mapping = collector.resolve(node);
  if (!isMap(mapping)) {
    collector.error('not-a-mapping', node, `${what} must be a mapping, but is ${describe(mapping)}`);
    return null;
  }
  return mapping.items.map((pair) => ({
    name: isScalar(pair.key) ? String(pair.key.value) : String(pair.key),
    key: pair.key as YamlNode,
    value: pair.value as YamlNode | null,
  }));
}

/** The items of a list; null, with a finding, when the node is something else. Nothing at all is an empty list. */
export function itemsOf(collector: FindingCollector, node: YamlNode | null, what: string): YamlNode[] | null {
  const list = collector.resolve(node);
  if (isEmpty(list)) return [];
  if (!isSeq(list)) {
    collector.error('not-a-list', node, `${what} must be a list, but is ${describe(list)}`);
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

export function isEmpty(node: YamlNode | null): boolean {
  return node === null || node === undefined || (isScalar(node) && (node.value === null || node.value === ''));
}

/** What a node is, for messages. */
export function describe(node: YamlNode | null): string {
  if (isEmpty(node)) return 'empty';
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (isScalar(node)) return typeof node.value === 'string' ? `the text '${node.value}'` : `${String(node.value)}`;
  return 'something else';
}

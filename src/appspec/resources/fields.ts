/** Reading mappings whose keys count without capitals, as those of the AppSpec files of Lambda and ECS do. Pure. */
import { isScalar } from 'yaml';
import {
  describe,
  type FindingCollector,
  isEmpty,
  isNothing,
  itemsOf,
  type Member,
  membersOf,
  scalarOf,
  sourceOf,
  textOf,
  type YamlNode,
} from '../reader.ts';
import { didYouMean, nearestWord } from '../suggest.ts';

/** A mapping's members by the spelling of the user guide. */
export interface Fields {
  readonly node: YamlNode;
  /** For messages: `the resource`. */
  readonly what: string;
  get(key: string): Member | undefined;
  /** Keys that unknown ones were probably meant to be: one fault is one finding. */
  readonly misspelt: ReadonlySet<string>;
}

/** A form that a text must have. */
export interface TextForm {
  readonly pattern: RegExp;
  /** Goes on after `KEY must be `. */
  readonly is: string;
}

/**
 * The members of a mapping. A key that nobody knows is an error, unlike in the file of a host: a misspelt `Hooks` or `PlatformVersion` would
 * move production traffic otherwise than its author meant.
 *
 * @returns null, with a finding, when the node is no mapping
 */
export function fieldsOf(
  collector: FindingCollector,
  node: YamlNode | null,
  what: string,
  keys: readonly string[],
): Fields | null {
  const members = membersOf(collector, node, what);
  if (members === null) return null;
  const found = new Map<string, Member>();
  const misspelt = new Set<string>();
  for (const member of members) {
    const key = keys.find((one) => one.toLowerCase() === member.name.toLowerCase());
    const before = key === undefined ? undefined : found.get(key);
    if (key === undefined) {
      const message = `'${member.name}' is no key of ${what}${didYouMean(member.name, keys)}`;
      collector.report('property-unknown', member.key, message);
      misspelt.add(nearestWord(member.name, keys) ?? '');
    } else if (before !== undefined) {
      const message = `'${member.name}' is the same key as '${before.name}': capitals do not count here`;
      collector.report('duplicate-key', member.key, message);
    } else {
      found.set(key, member);
    }
  }
  return { node: node ?? undefined, what, get: (key) => found.get(key), misspelt };
}

/** Says that a key is missing which nothing works without. */
export function reportMissingKey(collector: FindingCollector, fields: Fields, key: string): void {
  const member = fields.get(key);
  if (member === undefined && fields.misspelt.has(key)) return;
  const message = member === undefined ? `${fields.what} has no ${key}` : `${key} of ${fields.what} is empty`;
  collector.reportMissing('property-missing', member, fields.node ?? null, message);
}

/** @returns null, with a finding, when the key is missing, and is no text of this form */
export function requiredText(collector: FindingCollector, fields: Fields, key: string, form?: TextForm): string | null {
  const text = optionalText(collector, fields, key, form);
  if (text === null) reportMissingKey(collector, fields, key);
  return text;
}

/** @returns null when the key is missing or empty, and, with a finding, when it is no text of this form */
export function optionalText(collector: FindingCollector, fields: Fields, key: string, form?: TextForm): string | null {
  const member = fields.get(key);
  const text = textOf(collector, member?.value ?? null, key);
  if (text === null || form === undefined || form.pattern.test(text)) return text;
  reportValue(collector, member, `${key} must be ${form.is}, but is '${text}'${placeholderHint(text)}`);
  return null;
}

/** Tools fill such a mark in; one that is still there was never given to its tool. */
function placeholderHint(text: string): string {
  return /^\s*(<[^<>]*>|\$\{[^{}]*\}|\{\{[^{}]*\}\})\s*$/.test(text)
    ? ': this is a placeholder, which a pipeline or a template fills in before the file is used'
    : '';
}

/**
 * A whole number, without quotes.
 *
 * @returns null when the key is missing or empty, and, with a finding, when it is no such number
 */
export function optionalWhole(
  collector: FindingCollector,
  fields: Fields,
  key: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | null {
  const member = fields.get(key);
  const node = collector.resolve(member?.value ?? null);
  if (isNothing(node)) return null;
  const value = scalarOf(collector, node);
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const hint = typeof value === 'string' && /^\d+$/.test(value) ? ': take the quotes away' : '';
  const message = `${key} must be a whole number from ${min} to ${max}, but is ${describe(node)}${hint}`;
  reportValue(collector, member, message);
  return null;
}

/** A list of texts, none of them empty; null when the key is missing or empty, and, with a finding, when it is no such list. */
export function optionalTexts(collector: FindingCollector, fields: Fields, key: string): readonly string[] | null {
  const member = fields.get(key);
  if (isEmpty(collector.resolve(member?.value ?? null))) return null;
  const items = itemsOf(collector, member?.value ?? null, key);
  const texts = (items ?? []).flatMap((item) => {
    const text = textOf(collector, item, `an entry of ${key}`);
    if (text === null && !collector.isFaulty(item)) {
      collector.report('property-invalid', item ?? member?.key, `an entry of ${key} is empty`);
    }
    return text ?? [];
  });
  return items === null || texts.length < items.length || texts.length === 0 ? null : texts;
}

/** Says that a value does not fit, at the value or else at its key. */
export function reportValue(collector: FindingCollector, member: Member | undefined, message: string): void {
  collector.report('property-invalid', member?.value ?? member?.key ?? null, message);
}

/** The text of a scalar without a word about missing quotes: a version or a port may be a number. */
export function bareTextOf(collector: FindingCollector, member: Member | undefined): string | null {
  const node = collector.resolve(member?.value ?? null);
  return isScalar(node) && !isEmpty(node) ? sourceOf(collector, node) : null;
}

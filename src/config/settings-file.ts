import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { messageOf, SlipwayError } from '../errors.ts';
import { fileFault } from '../system/system-remedies.ts';

/** One key of a settings file, and where it stands. */
export interface Setting {
  readonly name: string;
  readonly value: unknown;
  readonly line: number;
}

/**
 * Reads a YAML file of keys and values, such as the official agents have. Their keys are written as Ruby symbols, `:root_dir: /path`;
 * plain ones load as well, also mixed.
 *
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming file and line
 */
export function readSettings(file: string): Setting[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SlipwayError('CONFIG_UNREADABLE', `${file} cannot be read: ${messageOf(cause)}`, fileFault(cause));
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    throw new SlipwayError(
      'CONFIG_INVALID',
      `${file}:${line}: it is not YAML: ${error.message.replace(/ at line \d+, column \d+:.*/s, '')}`,
    );
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isMap(contents)) throw new SlipwayError('CONFIG_INVALID', `${file}: it must hold keys and values`);
  return contents.items.map((pair) => ({
    name: String(isScalar(pair.key) ? pair.key.value : pair.key).replace(/^:(?=\S)/, ''),
    value: isScalar(pair.value) || pair.value === null ? (pair.value?.value ?? null) : pair.value.toJS(document),
    line: isScalar(pair.key) && pair.key.range ? lines.linePos(pair.key.range[0]).line : 1,
  }));
}

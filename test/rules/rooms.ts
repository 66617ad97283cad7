/**
 * Holds the import rules of the house (docs/architecture.md) against the sources. A room imports only what it may. Files whose heads say
 * `Pure` touch neither the machine nor the clock, also not through their imports. Statements for the database stand in one room. No imports
 * run in a circle. Prints each violation with file and line; exits 1 if there is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outliveReaders } from '../../packaging/closed-pipe.ts';

/** Room → rooms it may import values from. Every room may import itself and BASE. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'anything'>> = {
  cli: 'anything',
  console: ['protocol'],
  agent: ['identity', 'deployment', 'appspec', 'install', 'hooks', 'archive', 'revision', 'protocol'],
  identity: ['protocol'],
  local: ['deployment', 'appspec', 'install', 'hooks', 'archive', 'revision', 'protocol'],
  deployment: ['revision', 'archive', 'signature', 'appspec', 'install', 'hooks', 'protocol'],
  revision: ['protocol'],
  install: ['appspec', 'protocol'],
  hooks: ['appspec', 'protocol'],
  archive: ['protocol'],
  signature: [],
  appspec: ['protocol'],
  protocol: [],
  'server/connections': ['protocol'],
  'server/http': [
    'server/connections',
    'server/api',
    'server/iam',
    'server/commands',
    'server/engine',
    'server/store',
    'server/telemetry',
    'protocol',
  ],
  'server/audit': ['server/store'],
  'server/backup': ['server/s3', 'server/store'],
  'server/secrets': ['server/audit', 'server/engine', 'server/store', 'protocol'],
  'server/telemetry': ['server/commands', 'server/engine', 'server/store'],
  'server/iam': ['server/audit', 'server/engine', 'server/store', 'protocol'],
  'server/api': ['server/audit', 'server/engine', 'server/store', 'protocol', 'appspec'],
  'server/commands': ['server/engine', 'server/store', 'protocol'],
  'server/work': ['server/engine', 'server/store', 'server/outside', 'protocol', 'appspec', 'archive'],
  'server/outside': ['protocol'],
  'server/engine': ['server/store', 'protocol', 'appspec'],
  'server/store': ['protocol'],
  'server/s3': ['server/connections', 'server/store', 'protocol'],
  server: [
    'server/audit',
    'server/connections',
    'server/http',
    'server/api',
    'server/commands',
    'server/engine',
    'server/store',
    'server/s3',
    'server/secrets',
    'server/telemetry',
    'server/work',
    'server/outside',
    'protocol',
  ],
  config: [],
  logging: ['config'],
  system: [],
};

/** Rooms that every room may import. */
const BASE: readonly string[] = ['errors', 'system', 'config', 'logging'];

/** The comment at a file's head that says `Pure` makes it one: its functions go from values to values. */
const PURE_HEAD = /^\/\*\*(?:(?!\*\/)[\s\S])*?\bPure\b/;
/** Not pure by itself, and yet open to pure files: it holds the types of errors. */
const ERRORS = 'errors.ts';

const IMPURE_IMPORT =
  /^(?:(?:node:)?(?:fs|fs\/promises|child_process|cluster|dgram|dns|http|http2|https|net|os|process|readline|sqlite|timers|timers\/promises|tls|worker_threads)|axios|execa|kysely|pg|winston)$/;
/** A constant that happens to live among effects. */
const HARMLESS_IMPORT = "import { STATUS_CODES } from 'node:http';";
const IMPURE_CALL = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.env\b|\bsetTimeout\b|\bsetInterval\b/;
const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/;

/** The room of the database. Every other one asks it by the names of its functions. */
const SQL_ROOM = 'server/store';
/** Signs of a statement that is built or sent: the query builder's package, and the first words of its statements. */
const SQL_PACKAGE = /^(kysely|pg|node:sqlite)$/;
const SQL_CALL = /\.(selectFrom|insertInto|updateTable|deleteFrom|replaceInto|mergeInto|executeQuery)\(|\bsql`/;

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
}

/** The room that a file under `src/` belongs to: its first folder, or the first two under `server`. */
export function roomOf(file: string): string {
  const parts = file.split('/');
  if (parts.length === 1) return file.replace(/\.ts$/, '');
  const [first = '', second = ''] = parts;
  return first === 'server' && parts.length > 2 ? `server/${second}` : first;
}

interface Import {
  readonly line: number;
  readonly isType: boolean;
  /** A file of the house relative to `src/`; a name of a package or of Node as it is written. */
  readonly target: string;
  readonly isOwn: boolean;
}

/**
 * @param file relative to `src/`, with forward slashes
 * @param pureFiles those that say so at their heads
 */
export function violationsIn(file: string, text: string, pureFiles: ReadonlySet<string> = new Set()): Violation[] {
  const room = roomOf(file);
  const isPure = saysPure(text);
  const lines = text.split('\n');
  const found = importsOf(file, text).flatMap(({ line, isType, target, isOwn }): Violation[] => {
    if (!isOwn) {
      return isPure && !isType && IMPURE_IMPORT.test(target) && lines[line - 1] !== HARMLESS_IMPORT
        ? [{ file, line, rule: `a pure file imports ${target}` }]
        : [];
    }
    const other = roomOf(target);
    if (isPure && !isType && target !== ERRORS && !pureFiles.has(target)) {
      return [{ file, line, rule: `a pure file imports values from ${target}, which does not say that it is pure` }];
    }
    if ((isType && BASE.includes(other)) || mayImport(room, other)) return [];
    return [{ file, line, rule: `${room} may not import ${other} (${target})` }];
  });
  found.push(...statementsIn(file, text));
  if (!isPure) return found.sort((a, b) => a.line - b.line);
  const calls = lines.flatMap((content, index): Violation[] => {
    const isCall = IMPURE_CALL.test(content) && !/^\s*(\*|\/\/|\/\*)/.test(content);
    return isCall
      ? [{ file, line: index + 1, rule: 'a pure file calls the clock, chance, timers or the environment' }]
      : [];
  });
  return [...found, ...calls].sort((a, b) => a.line - b.line);
}

/** Statements outside of the room of the database. */
function statementsIn(file: string, text: string): Violation[] {
  if (roomOf(file) === SQL_ROOM) return [];
  const rule = `a statement for the database stands outside of ${SQL_ROOM}`;
  const imports = importsOf(file, text).filter(({ target }) => SQL_PACKAGE.test(target));
  const calls = text.split('\n').flatMap((content, index) => (SQL_CALL.test(content) ? [index + 1] : []));
  return [...imports.map(({ line }) => line), ...calls].map((line) => ({ file, line, rule }));
}

/**
 * Files that import each other in a circle, types included: whoever reads one of them has to know them all.
 *
 * @param texts file → its text
 */
export function circlesIn(texts: ReadonlyMap<string, string>): Violation[] {
  const found: Violation[] = [];
  const seen = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (seen.has(file)) return;
    const here = [...trail, file];
    for (const { line, target } of importsOf(file, texts.get(file) ?? '')) {
      const start = here.indexOf(target);
      if (start >= 0) found.push({ file, line, rule: `a circle: ${[...here.slice(start), target].join(' → ')}` });
      else if (texts.has(target)) visit(target, here);
    }
    seen.add(file);
  };
  for (const file of texts.keys()) visit(file, []);
  return found;
}

/** Whether a file calls itself pure. */
export function saysPure(text: string): boolean {
  return PURE_HEAD.test(text);
}

function importsOf(file: string, text: string): Import[] {
  return joinImports(text)
    .split('\n')
    .flatMap((content, index) => {
      const match = IMPORT.exec(content);
      if (match === null) return [];
      const specifier = match[2] ?? match[3] ?? '';
      const isOwn = specifier.startsWith('.');
      const target = isOwn ? posix.normalize(posix.join(posix.dirname(file), specifier)) : specifier;
      return [{ line: index + 1, isType: match[1] !== undefined, target, isOwn }];
    });
}

function mayImport(room: string, other: string): boolean {
  if (room === other || BASE.includes(other)) return true;
  const allowed = MAY_IMPORT[room];
  return allowed === 'anything' || (allowed?.includes(other) ?? false);
}

/** Puts an import that spans lines onto its last line, so that one expression sees it whole; line count is kept. */
function joinImports(text: string): string {
  return text.replace(/^(import|export)\s[^;'"]*?\{[^}]*\}\s*from/gm, (statement) => {
    const breaks = statement.split('\n').length - 1;
    return '\n'.repeat(breaks) + statement.replaceAll('\n', ' ');
  });
}

export function checkRooms(src: string): Violation[] {
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  const texts = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]));
  const pureFiles = new Set([...texts].flatMap(([file, text]) => (saysPure(text) ? [file] : [])));
  return [...[...texts].flatMap(([file, text]) => violationsIn(file, text, pureFiles)), ...circlesIn(texts)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  outliveReaders();
  const src = join(dirname(fileURLToPath(import.meta.url)), '../../src');
  const violations = checkRooms(src);
  for (const { file, line, rule } of violations) process.stderr.write(`src/${file}:${line}: ${rule}\n`);
  process.stdout.write(violations.length === 0 ? 'rooms: clean\n' : `rooms: ${violations.length} violations\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

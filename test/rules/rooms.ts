/**
 * Holds the import rules of the house (docs/architecture.md) against the sources: which room may import which, and that files
 * called pure touch neither the machine nor the clock. Prints each violation with file and line; exits 1 if there is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Room → rooms it may import values from. Every room may import itself and BASE. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'anything'>> = {
  cli: 'anything',
  agent: ['deployment', 'appspec', 'install', 'hooks', 'archive', 'revision', 'protocol'],
  local: ['deployment', 'appspec', 'install', 'hooks', 'archive', 'revision', 'protocol'],
  deployment: ['revision', 'archive', 'signature', 'appspec', 'install', 'hooks', 'protocol'],
  revision: ['protocol'],
  install: ['appspec', 'protocol'],
  hooks: ['appspec', 'protocol'],
  archive: ['protocol'],
  signature: [],
  appspec: ['protocol'],
  protocol: [],
  'server/http': ['server/api', 'server/engine', 'server/store', 'protocol'],
  'server/api': ['server/engine', 'server/store', 'protocol', 'appspec'],
  'server/engine': ['server/store', 'protocol'],
  'server/store': ['protocol'],
  'server/s3': ['server/store', 'protocol'],
  server: ['server/http', 'server/api', 'server/engine', 'server/store', 'server/s3', 'protocol'],
  config: [],
  logging: ['config'],
  system: [],
};

/** Rooms that every room may import. */
const BASE: readonly string[] = ['errors', 'system', 'config', 'logging'];

/** Files (or folders, with a trailing slash) whose functions are pure. */
export const PURE: readonly string[] = [
  'appspec/',
  'install/plan.ts',
  'install/after-cleanup.ts',
  'install/permissions-match.ts',
  'install/operations.ts',
  'install/cleanup-file.ts',
  'install/changes.ts',
  'install/manifest.ts',
  'install/path-globs.ts',
  'install/attribute-programs.ts',
  'install/room.ts',
  'hooks/environment.ts',
  'local/events.ts',
  'local/location.ts',
  'protocol/specification-reader.ts',
  'signature/ssh-wire.ts',
  'signature/ssh-key.ts',
  'signature/ssh-certificate.ts',
  'signature/ssh-signature.ts',
  'signature/minisign.ts',
  'signature/signers.ts',
  'signature/signed-commit.ts',
  'signature/verdict.ts',
  'config/group-settings.ts',
  'protocol/revision-name.ts',
  'deployment/whose-scripts.ts',
  'deployment/retention.ts',
  'archive/entry-rules.ts',
  'archive/tar-header.ts',
  'archive/pax.ts',
  'archive/zip-name.ts',
  'agent/backoff.ts',
  'agent/diagnostics.ts',
  'agent/spans.ts',
  'protocol/diagnostics.ts',
  'protocol/specification.ts',
  'protocol/lifecycle-events.ts',
  'server/engine/decide.ts',
  'server/engine/health.ts',
  'server/engine/membership.ts',
  'server/engine/diagnostics.ts',
  'server/engine/revision-identity.ts',
  'server/engine/specification.ts',
];

const IMPURE_IMPORT =
  /^(node:)?(fs|fs\/promises|child_process|net|http|https|dns|timers|timers\/promises|worker_threads)$/;
const IMPURE_CALL = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.env\b|\bsetTimeout\b|\bsetInterval\b/;
const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/;

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

/** @param file relative to `src/`, with forward slashes */
export function violationsIn(file: string, text: string): Violation[] {
  const found: Violation[] = [];
  const room = roomOf(file);
  const pure = PURE.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path));
  joinImports(text)
    .split('\n')
    .forEach((content, index) => {
      const line = index + 1;
      if (pure && !/^\s*(\*|\/\/|\/\*)/.test(content) && IMPURE_CALL.test(content)) {
        found.push({ file, line, rule: 'a pure file calls the clock, chance, timers or the environment' });
      }
      const match = IMPORT.exec(content);
      if (match === null) return;
      const isType = match[1] !== undefined;
      const specifier = match[2] ?? match[3] ?? '';
      if (!specifier.startsWith('.')) {
        if (pure && !isType && IMPURE_IMPORT.test(specifier))
          found.push({ file, line, rule: `a pure file imports ${specifier}` });
        return;
      }
      const target = posix.normalize(posix.join(posix.dirname(file), specifier));
      const other = roomOf(target);
      if (isType && BASE.includes(other)) return;
      if (!mayImport(room, other)) found.push({ file, line, rule: `${room} may not import ${other} (${specifier})` });
    });
  return found;
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
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
    .flatMap((file) => violationsIn(file, readFileSync(join(src, file), 'utf8')));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const src = join(dirname(fileURLToPath(import.meta.url)), '../../src');
  const violations = checkRooms(src);
  for (const { file, line, rule } of violations) process.stderr.write(`src/${file}:${line}: ${rule}\n`);
  process.stdout.write(violations.length === 0 ? 'rooms: clean\n' : `rooms: ${violations.length} violations\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

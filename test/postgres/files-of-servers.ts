import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The functions that start a server. */
const STARTS = /\b(?:startControlServer|testServer|createWorld)\b/;
/** A file that names its databases itself. */
const CHOOSES = /\b(?:describeStores|postgresCluster|sharedDatabases)\b/;
const IMPORT = /\bfrom '(\.[^']+)'/g;
/** They export what starts a server beside what does not, so that an import of them says nothing. */
const MAKERS: ReadonlySet<string> = new Set([
  'test/support/slipway.ts',
  'test/support/test-server.ts',
  // The table of operations takes its texts from there, and the documentation its tables from that one.
  'test/server/api/operations/world.ts',
]);

/** The test files that start a server, by themselves or by what they import, and leave open which database it works on. */
export function filesOfServers(): readonly string[] {
  const texts = new Map(
    readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [join('test', name), readFileSync(join(ROOT, 'test', name), 'utf8')]),
  );
  const known = new Map<string, boolean>();
  const starts = (file: string): boolean => {
    const text = texts.get(file);
    if (text === undefined || MAKERS.has(file)) return false;
    const answer = known.get(file);
    if (answer !== undefined) return answer;
    // Until it is known: files may import each other in a circle.
    known.set(file, false);
    const result = STARTS.test(text) || importsOf(file, text).some(starts);
    known.set(file, result);
    return result;
  };
  return [...texts]
    .filter(([file, text]) => file.endsWith('.test.ts') && !CHOOSES.test(text) && starts(file))
    .map(([file]) => file)
    .sort();
}

function importsOf(file: string, text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map(([, target = '']) => relative(ROOT, join(ROOT, dirname(file), target)));
}

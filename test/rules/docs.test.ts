import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { leafCommands, programForDocs } from '../../packaging/command-line.ts';
import { AGENT_CONFIG_KEYS } from '../../src/config/agent-keys.ts';
import { ERROR_CATALOGUE } from '../../src/errors.ts';
import { hookEnvironment } from '../../src/hooks/environment.ts';
import { generatedFiles, generatedParts, PROJECT, withPart } from './docs.ts';

const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(PROJECT, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

describe('generated parts of the documentation', async () => {
  test.each(await generatedParts())('$file, $name: is what the program says (npm run docs writes it)', (part) => {
    const document = read(part.file);
    expect(document).toBe(withPart(document, part));
  });

  test.each(generatedFiles())('$file is what the program says (npm run docs writes it)', ({ file, text }) => {
    expect(read(file)).toBe(text);
  });
});

describe('commands that the documentation tells people to type', async () => {
  const program = await programForDocs();
  const shellLines = documents.flatMap((file) =>
    [...read(file).matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((block) =>
      (block[1] ?? '').split('\n').map((line) => ({ file, line: line.replace(/\s+#.*$/, '').trim() })),
    ),
  );

  test('there are some', () => {
    expect(shellLines.some(({ line }) => line.startsWith('slipway '))).toBe(true);
    expect(shellLines.some(({ line }) => line.includes('npm run '))).toBe(true);
  });

  test.each(shellLines.filter(({ line }) => /^(npx )?slipway /.test(line)))('$file: $line', ({ line }) => {
    const words = line.replace(/^(npx )?slipway /, '').split(/\s+/);
    const known = leafCommands(program)
      .filter((leaf) => leaf.words.every((word, index) => words[index] === word))
      .sort((a, b) => b.words.length - a.words.length)[0];
    expect(known, 'no such command').toBeDefined();
    const flags = words.filter((word) => word.startsWith('-') && word !== '--').map((word) => word.split('=')[0]);
    const knownFlags = known?.command.options.flatMap((option) => [option.long, option.short]) ?? [];
    for (const flag of flags)
      expect([...knownFlags, '--help'], `${known?.words.join(' ')} has no ${flag}`).toContain(flag);
  });

  test.each(
    shellLines.flatMap(({ file, line }) =>
      [...line.matchAll(/npm (?:run )?([a-z0-9:-]+)/g)].map((match) => ({ file, script: match[1] ?? '' })),
    ),
  )('$file: npm script $script exists', ({ script }) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    // npm's own commands beside it.
    expect(['ci', 'pack', 'install', ...Object.keys(scripts)]).toContain(script);
  });
});

/** Variables such as DEPLOYMENT_ID look like error codes. */
const VARIABLES_OF_SCRIPTS = Object.keys(
  hookEnvironment(
    {
      ...{
        event: '',
        deploymentId: '',
        applicationName: '',
        deploymentGroupName: '',
        deploymentGroupId: '',
        marker: '',
      },
      ...{ revision: { revisionType: 'Local Directory', location: '' }, downloadedETag: null },
    },
    {},
    { restrictToAllowlist: true, stripLoaderVariables: true, handedDown: [] },
  ),
);

describe('names that the documentation uses', () => {
  const prose = documents.map((file) => read(file)).join('\n');

  test('every error code named in the documentation is in the catalogue', () => {
    const known = new Set(Object.keys(ERROR_CATALOGUE));
    const prefixes = new Set([...known].map((code) => code.split('_')[0]));
    const named = [...prose.matchAll(/`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`/g)].map((match) => match[1] ?? '');
    const isCode = (name: string) => prefixes.has(name.split('_')[0]) && !VARIABLES_OF_SCRIPTS.includes(name);
    const unknown = named.filter((name) => isCode(name) && !known.has(name));
    expect(unknown).toEqual([]);
  });

  test('every setting of the server in an ini example is one that it reads', async () => {
    const known = leafCommands(await programForDocs()).flatMap(({ command }) =>
      command.options.flatMap((o) => o.envVar ?? []),
    );
    const named = [...prose.matchAll(/```ini\n([\s\S]*?)```/g)].flatMap((block) =>
      [...(block[1] ?? '').matchAll(/^(SLIPWAY_\w+)=/gm)].map((match) => match[1]),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !known.includes(name ?? ''))).toEqual([]);
  });

  test('every configuration key in a yaml example is one that the agent knows', () => {
    const known = new Set(AGENT_CONFIG_KEYS.map((key) => key.key));
    const examples = [...read('docs/agent.md').matchAll(/```yaml\n# codedeployagent\.yml\n([\s\S]*?)```/g)];
    expect(examples.length).toBeGreaterThan(0);
    for (const [, example = ''] of examples) {
      for (const [, key = ''] of example.matchAll(/^:?([a-z][a-z0-9_]*):/gm)) expect(known).toContain(key);
    }
  });
});

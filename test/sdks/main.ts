/**
 * The SDKs of AWS for other languages against a real server, with no other address than AWS_ENDPOINT_URL: `npm run test:sdks -- --json`.
 * Each is a small program that asks who it is, makes and deletes a user, stores and reads an object, and registers a revision. The one for
 * Java leaves out the revision. Last line: sdks, worked, failed, notRun; exits 1 when one failed or none ran. The programs' libraries come
 * from the registries, into the caches of their own tools.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, execaSync } from 'execa';
import { anyText, flag, programOptions } from '../support/program-options.ts';
import { startControlServer } from '../support/slipway.ts';

interface Sdk {
  readonly name: string;
  readonly folder: string;
  /** Succeeds where the SDK can be used. */
  readonly probe: readonly [program: string, ...words: string[]];
  /** Run in turn, in the SDK's folder. The last one prints `ok`. @param built a folder for what is built */
  commands(built: string): readonly (readonly [program: string, ...words: string[]])[];
}

const SDKS: readonly Sdk[] = [
  {
    name: 'boto3',
    folder: 'python',
    probe: ['python3', '-c', 'import boto3'],
    commands: () => [['python3', '-B', 'main.py']],
  },
  {
    name: 'AWS SDK for Go',
    folder: 'go',
    probe: ['go', 'version'],
    commands: (built) => [['go', 'build', '-o', join(built, 'sdk-go'), '.'], [join(built, 'sdk-go')]],
  },
  {
    name: 'AWS SDK for Java',
    folder: 'java',
    probe: ['mvn', '-version'],
    commands: (built) => {
      const target = `-Dbuilt=${built}`;
      const classPath = join(built, 'class-path');
      return [
        ['mvn', '-q', '-B', target, 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classPath}`],
        ['sh', '-c', `java -cp "$1/classes:$(cat "$2")" Main`, 'sh', built, classPath],
      ];
    },
  },
];

/** Compilers and downloads of a first run take their time. */
const COMMAND_LIMIT_MS = 8 * 60_000;

const values = programOptions('test:sdks', {
  only: anyText('TEXT', 'tries the SDKs whose name holds the text'),
  json: flag('the summary as JSON'),
});
const chosen = SDKS.filter(({ name }) => name.includes(values.only ?? ''));
const count = { worked: 0, failed: 0, notRun: 0 };
const scratch = mkdtempSync(join(tmpdir(), 'slipway-sdks-'));
try {
  await using server = await startControlServer(join(scratch, 'server'));
  const env = {
    ...server.env,
    AWS_ENDPOINT_URL: server.url,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  for (const sdk of chosen) {
    const [ending, why] = await endingOf(sdk, env);
    count[ending] += 1;
    process.stderr.write(`${ending.padEnd(6)} ${sdk.name}${why === '' ? '' : `: ${why}`}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const { worked, failed, notRun } = count;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ sdks: chosen.length, worked, failed, notRun })}\n`
    : `${worked} passed, ${failed} failed, ${notRun} skipped\n`,
);
process.exitCode = worked > 0 && failed === 0 ? 0 : 1;

async function endingOf(sdk: Sdk, env: Record<string, string>): Promise<[keyof typeof count, string]> {
  const [program, ...words] = sdk.probe;
  if (execaSync(program, words, { reject: false }).failed) return ['notRun', `needs ${sdk.probe.join(' ')}`];
  const cwd = fileURLToPath(new URL(sdk.folder, import.meta.url));
  const built = mkdtempSync(join(scratch, 'built-'));
  let said = '';
  for (const [command, ...args] of sdk.commands(built)) {
    const { failed: isFailed, all } = await execa(command, args, {
      ...{ cwd, env, all: true, reject: false, timeout: COMMAND_LIMIT_MS },
    });
    said = all;
    if (isFailed) return ['failed', `${command}: ${said}`];
  }
  return said.trim().endsWith('ok') ? ['worked', ''] : ['failed', said];
}

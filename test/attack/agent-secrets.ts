/** Attacks on the agent's secrets by the scripts of a revision: its environment, its descriptors, its files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, stringify } from 'yaml';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { deploymentDriver } from '../support/deployments.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { enrolHost, startDaemon } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';

const PROMISE = 'scripts get no secret of the agent, and no descriptor';
/** Part of every secret, so that none can be there under any name. */
const SECRET = 'do-not-tell';
/** Nobody answers there. */
const NOWHERE = '127.0.0.1:9';

const SECRETS: Readonly<Record<string, string>> = {
  AWS_CONTAINER_AUTHORIZATION_TOKEN: SECRET,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `/run/${SECRET}`,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${NOWHERE}/${SECRET}`,
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_SESSION_TOKEN: SECRET,
  AWS_WEB_IDENTITY_TOKEN_FILE: `/run/${SECRET}`,
  AWS_SHARED_CREDENTIALS_FILE: `/run/${SECRET}`,
  AWS_SECRET_OF_NEXT_YEAR: SECRET,
  CODEDEPLOY_GITHUB_TOKEN: SECRET,
  CREDENTIALS_DIRECTORY: `/run/${SECRET}`,
  ENCRYPTED_CREDENTIALS_DIRECTORY: `/run/${SECRET}`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${SECRET}`,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: `authorization=${SECRET}`,
  SLIPWAY_API_TOKEN: SECRET,
  SLIPWAY_MASTER_KEY: SECRET,
  SSH_AUTH_SOCK: `/run/${SECRET}`,
  https_proxy: `http://user:${SECRET}@${NOWHERE}`,
  HTTPS_PROXY: `user:${SECRET}@${NOWHERE}`,
  DATABASE_URL: `postgres://user:${SECRET}@${NOWHERE}/shop`,
};
/** Without it an empty environment would look like a kept promise. */
const HARMLESS = { GREETING: 'good morning' };

/** Everything that a script can find out about its own process, and about the agent as far as its user may. */
function spy(report: string, keyFile: string): string {
  return `{ echo "user $(id -un)"; env; tr '\\0' '\\n' < /proc/self/environ; ls -l /proc/self/fd; } > ${quoteForShell(report)} 2>&1
[ "$(id -u)" = 0 ] || { cat ${quoteForShell(keyFile)}; cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -a ${SECRET}; } > ${quoteForShell(`${report}.beyond`)} 2>/dev/null
exit 0`;
}

interface Spied {
  readonly report: string;
  /** Secrets that a user other than root has found in files and processes of others. */
  readonly beyond: string;
}

/** Deploys a revision whose script spies, to an agent with secrets all around. */
async function spiedBy(runas: string | null, ground: AttackGround, scratch: ScratchFolder): Promise<Spied> {
  const server = await ground.sharedServer();
  const name = `secrets-${runas === null ? 'own' : 'other'}`;
  // Another user must get through to its script.
  chmodSync(scratch.path, 0o711);
  const [reports, secretFile] = [scratch.at('reports'), scratch.at('secret')];
  mkdirSync(reports);
  chmodSync(reports, 0o777);
  writeFileSync(secretFile, SECRET);
  const host = await enrolHost(server, scratch.at('host'), name, `Secrets=${name}`);
  const keyFile = `${dirname(host.configFile)}/codedeploy.onpremises.yml`;
  const folder = writeRevision(scratch.at('revision'), {
    destination: scratch.at('site'),
    files: { a: 'x' },
    scripts: { AfterInstall: spy(`${reports}/seen`, keyFile) },
  });
  const appSpec = parse(readFileSync(`${folder}/appspec.yml`, 'utf8')) as { hooks: Record<string, [object]> };
  if (runas !== null) Object.assign(appSpec.hooks['AfterInstall']?.[0] ?? {}, { runas });
  writeFileSync(`${folder}/appspec.yml`, stringify(appSpec));
  execFileSync('tar', ['-cf', scratch.at('bundle.tar'), '-C', folder, '.']);
  ground.watch(
    'agent',
    startDaemon(['agent', '--config-file', host.configFile], {
      env: { ...SECRETS, ...HARMLESS },
      stderrFile: `${host.folder}/agent.log`,
      inheritedFile: secretFile,
    }),
  );
  using driver = await deploymentDriver(server, name, `Secrets=${name}`);
  const { status, events } = await driver.ended(
    await driver.create(await driver.store(scratch.at('bundle.tar'), `${name}.tar`, 'tar')),
  );
  assert.equal(status, 'Succeeded', events.map(({ message }) => message).join('\n'));
  const beyond = runas === null ? '' : readFileSync(`${reports}/seen.beyond`, 'utf8');
  return { report: readFileSync(`${reports}/seen`, 'utf8'), beyond };
}

function findsNothing(runas: string | null, missing: string | null): Attack {
  return {
    promise: PROMISE,
    name: `a script that ${runas === null ? 'the agent’s' : 'another'} user runs writes down its environment and its descriptors`,
    missing,
    async run(ground) {
      using scratch = scratchFolder();
      const { report, beyond } = await spiedBy(runas, ground, scratch);
      const found = report.split('\n').filter((line) => line.includes(SECRET));
      assert.deepEqual(found, [], 'a secret is in the environment');
      if (runas !== null) assert.match(report, new RegExp(`^user ${runas}$`, 'm'));
      assert.match(report, /^GREETING=good morning$/m);
      assert.match(report, /^https_proxy=http:\/\/127\.0\.0\.1:9\/?$/m);
      const descriptors = [...report.matchAll(/ (\d+) -> (.*)$/gm)].map(([, number, target]) => ({ number, target }));
      assert.ok(descriptors.length >= 3, report);
      const extra = descriptors.filter(
        ({ number, target }) => Number(number) > 2 && !/^\/proc\/\d+\/fd$/.test(target ?? ''),
      );
      assert.deepEqual(extra, [], 'a descriptor beside the usual three is open');
      assert.equal(beyond, '', 'the script read what is not its user’s');
    },
  };
}

/** Another user that can run anything at all; null: there is none, or nobody may become it. */
function otherUser(): string | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  return users.find((line) => /^[^:]+:[^:]*:[1-9].*:\/bin\/(ba|da)?sh$/.test(line))?.split(':')[0] ?? null;
}

const missing = process.platform === 'linux' ? null : 'needs Linux';
const other = missing === null ? otherUser() : null;

export const SECRET_ATTACKS: readonly Attack[] = [
  findsNothing(null, missing),
  findsNothing(other ?? 'another', other === null ? 'needs Linux, root and another user with a shell' : null),
];

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { createExecutors, type Executors } from '../../src/agent/executor/executors.ts';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { createSigningAuthority, issueSigner, type SigningAuthority } from '../../src/protocol/envelope/authority.ts';
import { sealSpecification } from '../../src/protocol/envelope/seal.ts';
import type { Envelope } from '../../src/protocol/host-command/shapes.ts';
import { encodeSpecification } from '../../src/protocol/specification.ts';
import { systemRandom } from '../../src/system/random.ts';
import { specificationOf } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { scratchFolder } from '../support/scratch.ts';

const EXECUTORS_FILE = fileURLToPath(new URL('../../src/agent/executor/executors.ts', import.meta.url));
const SPECIFICATION = specificationOf('/revision');
const AFTER_INSTALL = { hostCommandIdentifier: 'c-1', commandName: 'AfterInstall', specification: SPECIFICATION };
const COMMAND = {
  HostCommandIdentifier: 'c-1',
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: `a/${SPECIFICATION.deploymentId}/c/d`,
  CommandName: 'AfterInstall',
};

let authority: SigningAuthority;
let envelope: Envelope;
beforeAll(async () => {
  const options = { nowMs: Date.now(), random: systemRandom };
  authority = await createSigningAuthority({ ...options, commonName: 'authority' });
  envelope = await sealSpecification(
    encodeSpecification(SPECIFICATION),
    await issueSigner(authority, { ...options, commonName: 'signer' }),
  );
});

/** Real executor processes of a host that pins an authority; those that there are now are told by their PIDs. */
async function onHost(
  options: { caCertificatePem: string; grownBytes?: number; idleMs?: number; onAllGone?: () => void },
  work: (executors: Executors, pids: () => readonly number[]) => Promise<void>,
): Promise<void> {
  using scratch = scratchFolder();
  const before = new Set(descendantsOf(process.pid));
  const { caCertificatePem, ...limits } = options;
  writeFileSync(scratch.at('agent.yml'), `root_dir: ${scratch.path}\n`);
  const { config } = loadAgentConfig(scratch.at('agent.yml'));
  const executors = createExecutors({
    settings: {
      config,
      region: 'us-east-1',
      hostIdentifier: COMMAND.HostIdentifier,
      hookEnvironment: process.env,
      caCertificatePem,
    },
    credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
    log: silentLogger,
    ...limits,
  });
  try {
    await work(executors, () => descendantsOf(process.pid).filter((pid) => !before.has(pid)));
  } finally {
    await executors.close();
  }
}

describe('executors', () => {
  test('a specification of the pinned authority is opened by the process that then carries out its command', async () => {
    await onHost({ caCertificatePem: authority.caCertificatePem }, async (executors, pids) => {
      expect(await executors.openSpecification(envelope, COMMAND)).toEqual({
        specification: SPECIFICATION,
        order: null,
      });
      const opener = pids();
      expect(opener).toHaveLength(1);
      expect(await executors.isCommandNoop({ ...AFTER_INSTALL, commandName: 'ApplicationStop' })).toBe(true);
      expect(await executors.openSpecification(envelope, COMMAND)).toEqual({
        specification: SPECIFICATION,
        order: null,
      });
      expect(pids()).toEqual(opener);
    });
  });

  test('when the last one is gone the daemon is told so, and not while another is there', async () => {
    let toldOf = 0;
    const options = { caCertificatePem: authority.caCertificatePem, onAllGone: () => (toldOf += 1) };
    await onHost({ ...options, idleMs: 1 }, async (executors, pids) => {
      await Promise.all([
        executors.isCommandNoop({ ...AFTER_INSTALL, commandName: 'ApplicationStop' }),
        executors.recover([]),
      ]);
      await eventually(() => pids().length === 0);
      await eventually(() => toldOf > 0);
      expect(toldOf).toBe(1);
    });
  });

  test('one that is made ready opens the specification that comes, and goes when none comes', async () => {
    await onHost({ caCertificatePem: authority.caCertificatePem, idleMs: 1 }, async (executors, pids) => {
      executors.prepare();
      await eventually(() => pids().length === 0);
      executors.prepare();
      executors.prepare();
      const [ready, ...others] = pids();
      expect(others).toEqual([]);
      const opening = executors.openSpecification(envelope, COMMAND);
      expect(pids()).toEqual([ready]);
      expect(await opening).toEqual({ specification: SPECIFICATION, order: null });
    });
  });

  test('an order of another authority is refused, in the words and with the remedy of the catalogue', async () => {
    const options = { nowMs: Date.now(), random: systemRandom };
    const { caCertificatePem } = await createSigningAuthority({ ...options, commonName: 'another' });
    await onHost({ caCertificatePem }, async (executors) => {
      await expect(executors.openSpecification(envelope, COMMAND)).rejects.toMatchObject({
        code: 'ENVELOPE_UNTRUSTED',
        message: expect.stringContaining("signed by 'signer'"),
        remedy: expect.stringMatching(/\w/),
      });
      await expect(executors.openSpecification(undefined, COMMAND)).rejects.toMatchObject({ code: 'ENVELOPE_MISSING' });
    });
  });

  test('one that cannot be started fails what it was wanted for, and nothing else', async () => {
    const { execPath } = process;
    await onHost({ caCertificatePem: authority.caCertificatePem }, async (executors) => {
      try {
        process.execPath = '/nowhere/node';
        await expect(executors.run(AFTER_INSTALL)).rejects.toMatchObject({
          code: 'AGENT_EXECUTOR_DIED',
          message: expect.stringContaining('could not be started: spawn /nowhere/node ENOENT'),
        });
      } finally {
        process.execPath = execPath;
      }
      expect(await executors.openSpecification(envelope, COMMAND)).toEqual({
        specification: SPECIFICATION,
        order: null,
      });
    });
  });

  test('one for which there are no descriptors fails what it was wanted for, and its daemon goes on', async () => {
    using scratch = scratchFolder();
    const program = `
      import { openSync } from 'node:fs';
      import { createExecutors } from ${JSON.stringify(EXECUTORS_FILE)};
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const executors = createExecutors({ settings: {}, credentials: async () => ({}), log });
      try { for (;;) openSync('/dev/null', 'r'); } catch {}
      executors.prepare();
      await executors.openSpecification(undefined, {}).catch(({ code, message }) => process.stdout.write(code + ': ' + message));
      await executors.close();
    `;
    writeFileSync(scratch.at('daemon.mjs'), program);
    const { stdout } = await execa('sh', [
      '-c',
      'ulimit -n 60; exec "$0" "$@"',
      process.execPath,
      scratch.at('daemon.mjs'),
    ]);
    expect(stdout).toMatch(/^AGENT_EXECUTOR_DIED: .*could not be started: spawn .* EMFILE$/);
  });

  test('an executor that has grown is gone when its command has ended, and the next command has a fresh one', async () => {
    await onHost({ caCertificatePem: authority.caCertificatePem, grownBytes: 1 }, async (executors, pids) => {
      const first = await executors.run(AFTER_INSTALL);
      expect(first.diagnostics.errorCode).toBe(5);
      expect(pids()).toEqual([]);
      const second = await executors.run(AFTER_INSTALL);
      expect(second).toEqual(first);
      expect(pids()).toEqual([]);
    });
  });
});

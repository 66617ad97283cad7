import { rmSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { processCommand } from '../../src/agent/command.ts';
import { openLedger } from '../../src/agent/ledger.ts';
import { createOutbox } from '../../src/agent/outbox.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { SlipwayError } from '../../src/errors.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { createSigningAuthority, issueSigner } from '../../src/protocol/envelope/authority.ts';
import { openEnvelope } from '../../src/protocol/envelope/open.ts';
import { sealSpecification } from '../../src/protocol/envelope/seal.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import type { CommandStatus, Envelope } from '../../src/protocol/host-command/shapes.ts';
import { encodeSpecification, parseOrderedSpecification } from '../../src/protocol/specification.ts';
import { systemRandom } from '../../src/system/random.ts';
import { manualClock } from '../support/clock.ts';
import { collectingLogger, specificationOf } from '../support/deployment.ts';
import { scratchFolder } from '../support/scratch.ts';

const DONE: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};

let envelope: Envelope;
beforeAll(async () => {
  const options = { nowMs: Date.now(), random: systemRandom };
  const authority = await createSigningAuthority({ ...options, commonName: 'authority' });
  const signer = await issueSigner(authority, { ...options, commonName: 'signer' });
  envelope = await sealSpecification(encodeSpecification(specificationOf('/revision')), signer);
});

interface Host {
  readonly isNoop?: boolean;
  readonly acknowledge?: () => CommandStatus | null;
  /** Called before the specification is answered; may throw. */
  readonly beforeSpecification?: () => void;
  readonly system?: string;
  readonly envelope?: Envelope;
  readonly outcome?: CommandOutcome;
  /** Outcomes that it writes down are lost from here on. */
  readonly isDiskGone?: boolean;
}

/** One command from poll to completion against a control endpoint that answers as told; executors answer without running anything. */
async function carryOut(host: Host) {
  using scratch = scratchFolder();
  const manual = manualClock(Date.now());
  const waits: number[] = [];
  const clock = {
    ...manual,
    async sleep(ms: number) {
      waits.push(ms);
      manual.advance(ms);
    },
  };
  const completed: CommandOutcome[] = [];
  const ran: string[] = [];
  const log = collectingLogger();
  const ledger = openLedger({ rootDir: scratch.path, trackingFolder: 'ongoing', clock, log });
  if (host.isDiskGone === true) {
    rmSync(scratch.path, { recursive: true });
    writeFileSync(scratch.path, 'no folder');
  }
  const client = {
    getDeploymentSpecification: async () => {
      host.beforeSpecification?.();
      return {
        DeploymentSystem: host.system ?? 'CodeDeploy',
        DeploymentSpecification: { GenericEnvelope: host.envelope ?? envelope },
      };
    },
    acknowledge: async () => (host.acknowledge ?? (() => 'InProgress' as const))(),
    complete: async (_id: string, outcome: CommandOutcome) => void completed.push(outcome),
  };
  const gate = createRetryGate(clock, { fraction: () => 0 });
  const outbox = createOutbox({ client, ledger, gate, log });
  const executors = {
    prepare() {},
    openSpecification: async (sealed: Envelope | undefined) =>
      parseOrderedSpecification(await openEnvelope(sealed, { caCertificatePem: null, nowMs: clock.now() }), {
        reservedIds: [],
      }),
    isCommandNoop: async () => host.isNoop ?? false,
    run: async ({ commandName }: { commandName: string }) => {
      ran.push(commandName);
      return host.outcome ?? DONE;
    },
    recover: async () => {},
    close: async () => {},
  };
  await processCommand(
    {
      client,
      executors,
      ledger,
      outbox,
      gate,
      clock,
      log,
      stopping: new AbortController().signal,
      enter: async () => ({ leave() {} }),
    },
    {
      HostCommandIdentifier: 'c-1',
      HostIdentifier: 'arn:h',
      DeploymentExecutionId: 'a/d-ONE/c/d',
      CommandName: 'AfterInstall',
    },
    { proven() {}, reported() {} },
  );
  await outbox.drained();
  return { ran, completed, waits, left: ledger.inState('running'), lines: log.lines };
}

test.each([
  ['InProgress', 'not', 'run'],
  [null, 'not', 'run'],
  ['Succeeded', 'not', 'left alone'],
  ['Failed', 'not', 'left alone'],
  ['Failed', 'really', 'reported as done'],
] as const)('an acknowledgement answered with %s for a command that is %s a no-op: %s', async (status, noop, end) => {
  const { ran, completed, left } = await carryOut({ isNoop: noop === 'really', acknowledge: () => status });
  expect(ran).toEqual(end === 'run' ? ['AfterInstall'] : []);
  expect(completed.map(({ diagnostics }) => diagnostics.message)).toEqual(
    { run: ['Succeeded'], 'left alone': [], 'reported as done': ['Succeeded: CompletedNoopCommand'] }[end],
  );
  expect(left).toEqual([]);
});

test('an acknowledgement that is lost is made again, and one that fails for good is reported', async () => {
  let tries = 0;
  const lostOnce = await carryOut({
    acknowledge: () => {
      tries += 1;
      if (tries === 1) throw new SlipwayError('SERVER_UNREACHABLE', 'away');
      return 'InProgress';
    },
  });
  expect(lostOnce).toMatchObject({ ran: ['AfterInstall'], waits: [1000], completed: [DONE] });
  const refused = await carryOut({
    acknowledge: () => {
      throw new RemoteApiError({ type: 'ClientException', message: 'no', status: 400 });
    },
  });
  expect(refused).toMatchObject({ ran: [], waits: [], left: [] });
  expect(refused.completed).toMatchObject([{ status: 'Failed', diagnostics: { errorCode: 5 } }]);
});

test('a specification that the server cannot give just now is asked for again', async () => {
  let tries = 0;
  const unavailableOnce = await carryOut({
    beforeSpecification: () => {
      tries += 1;
      if (tries === 1) throw new RemoteApiError({ type: 'ServiceUnavailable', message: 'later', status: 503 });
    },
  });
  expect(unavailableOnce).toMatchObject({ ran: ['AfterInstall'], waits: [1000], completed: [DONE] });
});

test('a command that fails before the acknowledgement is reported as Failed with code 5', async () => {
  for (const host of [
    { system: 'Other' },
    { envelope: { Format: 'PKCS7/JSON', Payload: 'no PEM' } },
    { envelope: { Format: 'TEXT/JSON', Payload: '{}' } },
  ]) {
    const { ran, completed } = await carryOut(host);
    expect(ran).toEqual([]);
    expect(completed).toMatchObject([{ status: 'Failed', diagnostics: { errorCode: 5 } }]);
  }
});

test('a disk that takes no notes keeps the command from being run, and the endpoint is told why', async () => {
  const { ran, completed, left } = await carryOut({ isDiskGone: true });
  expect({ ran, left }).toEqual({ ran: [], left: [] });
  expect(completed).toMatchObject([{ status: 'Failed', diagnostics: { errorCode: 5 } }]);
  expect(completed[0]?.diagnostics.message).toMatch(
    /cannot be noted down in .*(ENOTDIR|EEXIST).*DEPLOYMENT_ROOT_UNUSABLE/,
  );

  const rejected = await carryOut({ isDiskGone: true, system: 'Other' });
  expect(rejected.completed[0]?.diagnostics.message).toContain("the deployment system is 'Other'");
});

test('a command of another deployment system is not run, and the endpoint is told which', async () => {
  const { ran, completed } = await carryOut({ system: 'Other' });
  expect(ran).toEqual([]);
  expect(completed).toMatchObject([{ status: 'Failed', diagnostics: { errorCode: 5 } }]);
  expect(completed[0]?.diagnostics.message).toContain("the deployment system is 'Other', not CodeDeploy");
});

test('how a command ended is in the log with its diagnosis, a failure as a warning', async () => {
  const diagnostics = {
    errorCode: 4,
    scriptName: 'a.sh',
    message: 'the script a.sh failed: exit code 3',
    log: '',
  } as const;
  const { lines } = await carryOut({ outcome: { status: 'Failed', diagnostics } });
  expect(lines.at(-1)).toEqual({
    level: 'warn',
    message: 'AfterInstall failed',
    fields: {
      hostCommandIdentifier: 'c-1',
      commandName: 'AfterInstall',
      deploymentId: 'd-ONE',
      errorCode: 4,
      diagnosis: 'the script a.sh failed: exit code 3',
    },
  });
  expect((await carryOut({})).lines.at(-1)).toMatchObject({ level: 'info', message: 'AfterInstall succeeded' });
});

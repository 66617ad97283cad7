import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openEnvelope } from '../../../src/protocol/envelope/open.ts';
import { parseOrderedSpecification, parseSpecification } from '../../../src/protocol/specification.ts';
import { IN_PLACE_EVENTS } from '../../../src/server/engine/course.ts';
import { askerOf } from '../../support/asker.ts';
import { manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  hostArn,
  keyOfHost,
  makeFleet,
  pollNow,
  runHost,
  startDeployment,
  statusesOf,
  targetsByName,
  testSigner,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores } from '../../support/stores.ts';

const MINUTE_MS = 60_000;

async function firstCommand(server: EngineServer, host: string) {
  const command = await pollNow(server, host);
  if (command === null) throw new Error(`there is no command for ${host}`);
  return command;
}

async function firstEvent(server: EngineServer, host: string) {
  const event = (await targetsByName(server.store, 'd-1'))[host]?.events[0];
  if (event === undefined) throw new Error(`${host} has no events`);
  return event;
}

const as = (host: string) => ({
  accessKeyId: keyOfHost(host),
  hostArn: hostArn(host),
  agentVersion: 'test',
  asker: askerOf(),
});

describeStores('the host command API', (kind) => {
  describe('a poll', () => {
    test('gets a command with its host’s own identifier and an execution id of four parts', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-ABCDEF123');
      const command = await firstCommand(server, 'a');
      expect(command).toMatchObject({ HostIdentifier: hostArn('a'), CommandName: 'ApplicationStop' });
      expect(command.DeploymentExecutionId).toMatch(/^[^/]+\/[^/]+\/[^/]+\/.+$/);
      expect(command.DeploymentExecutionId.length).toBeLessThanOrEqual(129);
    });

    test('is held and answered as soon as there is a command, at that host and no other', async ({ annotate }) => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a', 'b']);
      const answered: string[] = [];
      const polls = ['a', 'b'].map((host) =>
        server.poll(host).then((command) => {
          answered.push(host);
          return command;
        }),
      );
      // The clock stands still: only a wake-up can answer them.
      await startDeployment(server, 'd-1', { minimum_type: 'MOST_CONCURRENCY', minimum_value: 1 });
      await Promise.race(polls);
      expect(answered).toHaveLength(1);
      const [first = ''] = answered;
      const other = first === 'a' ? 'b' : 'a';
      let command = await polls[first === 'a' ? 0 : 1];
      const waits: number[] = [];
      for (let events = IN_PLACE_EVENTS.length; command !== null && command !== undefined; ) {
        await server.acknowledge(first, command);
        events -= 1;
        const next = events > 0 ? server.poll(first) : Promise.resolve(null);
        const since = performance.now();
        await server.complete(first, command);
        command = await next;
        if (command !== null) waits.push(performance.now() - since);
      }
      expect(await Promise.race(polls.filter((_, index) => index === (other === 'a' ? 0 : 1)))).toMatchObject({
        CommandName: 'ApplicationStop',
      });
      const median = waits.toSorted((x, y) => x - y)[Math.floor(waits.length / 2)];
      await annotate(`from a completion to the next command at the waiting host: median ${median?.toFixed(1)} ms`);
    });

    test('is answered with nothing when its time is over, and then asks nothing of the server any more', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a']);
      await clock.nextSleep();
      const poll = server.poll('a');
      const holdMs = await clock.nextSleep();
      clock.advance(holdMs);
      expect(await poll).toBeNull();
    });

    test('a poll of each host of a fleet is held for a time of its own, less than a minute, so that they are not renewed all at once', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      const hosts = Array.from({ length: 10 }, (_, index) => `host-${index}`);
      await makeFleet(server.store, hosts);
      const heldMs: number[] = [];
      const beganMs = clock.now();
      const polls = hosts.map((host) => server.poll(host).then(() => void heldMs.push(clock.now() - beganMs)));
      await eventually(() => server.held.size === hosts.length);
      while (heldMs.length < hosts.length) {
        clock.advance(1_000);
        await setImmediate();
        // No time passes between the end of a hold and its answer.
        await eventually(() => server.held.size + heldMs.length === hosts.length);
      }
      await Promise.all(polls);
      expect(Math.max(...heldMs)).toBeLessThanOrEqual(56_000);
      expect(Math.min(...heldMs)).toBeGreaterThanOrEqual(44_000);
      expect(new Set(heldMs).size).toBeGreaterThan(3);
    });

    test('a poll that asks not to be held is answered at once with nothing', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      const answer = await server.commands.PollHostCommand(
        { HostIdentifier: hostArn('a') },
        { ...as('a'), mayHold: false },
      );
      expect(answer).toEqual({});
    });

    test('a poll that is given up by its caller takes no command with it', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      const hangsUp = new AbortController();
      const poll = server.poll('a', hangsUp.signal);
      hangsUp.abort();
      expect(await poll).toBeNull();
      await startDeployment(server, 'd-1');
      expect((await firstCommand(server, 'a')).CommandName).toBe('ApplicationStop');
    });

    test('a poll of a caller who hangs up in the very moment of the hand-out leaves the command to the next poll', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      for (let turns = 0; turns < 30; turns += 1) {
        const hangsUp = new AbortController();
        const poll = server.poll('a', hangsUp.signal);
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        hangsUp.abort();
        const command = await poll;
        const event = await firstEvent(server, 'a');
        // Either the caller got it, or the next one may.
        expect(event.handed_out_at_ms === null).toBe(command === null);
        if (command !== null) {
          await server.store.db.updateTable('lifecycle_events').set({ handed_out_at_ms: null }).execute();
        }
      }
    });

    test('gets a command once, however many polls of its host wait, and again only when it was not acknowledged for long', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a']);
      const hangUp = new AbortController();
      const polls = [1, 2, 3].map(() => server.poll('a', hangUp.signal));
      await startDeployment(server, 'd-1');
      const command = await Promise.race(polls);
      expect(command).not.toBeNull();
      hangUp.abort();
      const got = (await Promise.all(polls)).filter((answer) => answer !== null);
      expect(got).toHaveLength(1);

      clock.advance(2 * MINUTE_MS - 1);
      const tooEarly = new AbortController();
      const early = server.poll('a', tooEarly.signal);
      tooEarly.abort();
      expect(await early).toBeNull();
      clock.advance(1);
      expect(await server.poll('a')).toEqual(command);
    });

    test('a poll that asks not to be held gets at once what its host had taken and not acknowledged: the host has started anew', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const lost = await firstCommand(server, 'a');
      const atOnce = { ...as('a'), mayHold: false };
      const ask = async () =>
        (await server.commands.PollHostCommand({ HostIdentifier: hostArn('a') }, atOnce)).HostCommand;
      expect(await ask()).toEqual(lost);
      await server.acknowledge('a', lost);
      expect(await ask()).toBeUndefined();
    });

    test('gets nothing more of a command that was acknowledged, however long it takes', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      await server.acknowledge('a', await firstCommand(server, 'a'));
      clock.advance(59 * MINUTE_MS);
      const hangUp = new AbortController();
      const poll = server.poll('a', hangUp.signal);
      hangUp.abort();
      expect(await poll).toBeNull();
    });

    test('is noted with the time and the agent’s version, and not written down again within half a minute', async () => {
      await using database = await kind.create();
      const clock = manualClock(1_000_000);
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a']);
      const pollAt = async (ms: number, agentVersion: string) => {
        clock.advance(ms - clock.now());
        await server.commands.PollHostCommand(
          { HostIdentifier: hostArn('a') },
          { ...as('a'), agentVersion, asker: askerOf(AbortSignal.abort()) },
        );
        return server.store.db
          .selectFrom('instances')
          .select(['last_polled_at_ms', 'agent_version'])
          .executeTakeFirst();
      };
      expect(await pollAt(1_000_000, '1.0')).toEqual({ last_polled_at_ms: 1_000_000, agent_version: '1.0' });
      expect(await pollAt(1_029_000, '1.0')).toEqual({ last_polled_at_ms: 1_000_000, agent_version: '1.0' });
      expect(await pollAt(1_029_500, '1.1')).toEqual({ last_polled_at_ms: 1_029_500, agent_version: '1.1' });
    });

    test('a poll of a host that is known is noted together with others of the same second, also when the server stops', async () => {
      await using database = await kind.create();
      const clock = manualClock(1_000_000);
      const hosts = Array.from({ length: 120 }, (_, index) => `host-${index}`);
      const ask = (server: EngineServer) =>
        Promise.all(
          hosts.map((host) =>
            server.commands.PollHostCommand(
              { HostIdentifier: hostArn(host) },
              { ...as(host), asker: askerOf(AbortSignal.abort()) },
            ),
          ),
        );
      const notedAt = async ({ store }: Pick<EngineServer, 'store'>) => {
        const rows = await store.db.selectFrom('instances').select('last_polled_at_ms').distinct().execute();
        return rows.map((row) => row.last_polled_at_ms);
      };
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, hosts);
      await ask(server);
      clock.advance(40_000);
      await ask(server);
      expect(await notedAt(server)).toEqual([1_000_000]);
      clock.advance(1_000);
      await eventually(async () => (await notedAt(server)).join() === '1040000');
      clock.advance(40_000);
      await ask(server);
      await server[Symbol.asyncDispose]();
      expect(await notedAt(server)).toEqual([1_081_000]);
    });
  });

  describe('an acknowledgement', () => {
    test('begins the event', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      expect(await server.acknowledge('a', command)).toBe('InProgress');
      expect(await firstEvent(server, 'a')).toMatchObject({ status: 'InProgress', started_at_ms: expect.any(Number) });
      expect(await server.acknowledge('a', command)).toBe('InProgress');
    });

    test('an acknowledgement that there is nothing to do ends the event at once, and the next one is ready', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      expect(await server.acknowledge('a', command, true)).toBe('Succeeded');
      expect(await server.acknowledge('a', command, true)).toBe('Succeeded');
      const event = await firstEvent(server, 'a');
      expect(event.status).toBe('Succeeded');
      expect(JSON.parse(event.diagnostics_json ?? '')).toEqual({
        errorCode: 'Success',
        scriptName: '',
        message: 'Succeeded',
        logTail: '',
      });
      expect((await firstCommand(server, 'a')).CommandName).toBe('DownloadBundle');
    });

    test('is not believed when it calls the agent’s own work nothing to do', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      await server.acknowledge('a', await firstCommand(server, 'a'), true);
      const download = await firstCommand(server, 'a');
      expect(download.CommandName).toBe('DownloadBundle');
      expect(await server.acknowledge('a', download, true)).toBe('InProgress');
    });

    test('is answered with Failed once the command is not wanted any more', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      expect(await server.stop('d-1')).toMatchObject({ status: 'Succeeded' });
      expect(await server.acknowledge('a', command)).toBe('Failed');
      expect(await firstEvent(server, 'a')).toMatchObject({ status: 'Skipped' });
      expect(await server.acknowledge('a', { ...command, HostCommandIdentifier: 'never-was' })).toBe('Failed');
    });

    test('an acknowledgement with diagnostics that make no sense begins the event', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const { HostCommandIdentifier } = await firstCommand(server, 'a');
      for (const Payload of ['', 'no JSON', 'null', '[]', '{"IsCommandNoop":"true"}']) {
        const input = { HostCommandIdentifier, Diagnostics: { Format: 'JSON', Payload } };
        expect(await server.commands.PutHostCommandAcknowledgement(input, as('a'))).toEqual({
          CommandStatus: 'InProgress',
        });
      }
    });
  });

  describe('a completion', () => {
    test('counts the first time; the same command reported again changes nothing', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      await server.acknowledge('a', command);
      await server.complete('a', command, { log: 'the first' });
      await server.complete('a', command, { errorCode: 7, message: 'the second' });
      const event = await firstEvent(server, 'a');
      expect(event.status).toBe('Succeeded');
      expect(JSON.parse(event.diagnostics_json ?? '')).toMatchObject({ errorCode: 'Success', logTail: 'the first' });
    });

    test('a completion without an acknowledgement is taken: an agent may fail before it gets there', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      await server.complete('a', await firstCommand(server, 'a'), { errorCode: 5, message: 'no specification' });
      expect(await firstEvent(server, 'a')).toMatchObject({ status: 'Failed', started_at_ms: expect.any(Number) });
      expect(await statusesOf(server.store, 'd-1')).toEqual({ a: 'Failed' });
    });

    test('a completion that comes after the event was given up is kept for people to read, and its result stays', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      await server.acknowledge('a', command);
      await server.engine.step('d-1');
      clock.advance(61 * MINUTE_MS);
      await server.engine.step('d-1');
      expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Failed' });

      await server.complete('a', command, { log: 'done, but late' });
      const event = await firstEvent(server, 'a');
      expect(event.status).toBe('Failed');
      expect(JSON.parse(event.diagnostics_json ?? '')).toMatchObject({
        errorCode: 'UnknownError',
        message: expect.stringMatching(/within an hour.*Too late.*Succeeded/),
        logTail: 'done, but late',
      });
      expect(await deploymentOf(server.store, 'd-1')).toMatchObject({ status: 'Failed' });
      await server.complete('a', command, { log: 'once more' });
      expect((await firstEvent(server, 'a')).diagnostics_json).toBe(event.diagnostics_json);
    });

    test('a completion of a command that is not there any more is taken in silence, so that the agent can forget it', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      await server.store.db.deleteFrom('applications').execute();
      await server.complete('a', command);
      expect(await pollNow(server, 'a')).toBeNull();
    });
  });

  describe('a host', () => {
    test('may touch its own commands only', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a', 'b']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      const refused = { type: 'ClientException', status: 400 };
      await expect(server.acknowledge('b', command)).rejects.toMatchObject(refused);
      await expect(server.complete('b', command)).rejects.toMatchObject(refused);
      const { HostCommandIdentifier } = command;
      await expect(server.commands.PostHostCommandUpdate({ HostCommandIdentifier }, as('b'))).rejects.toMatchObject(
        refused,
      );
      expect(await firstEvent(server, 'a')).toMatchObject({ status: 'Pending', ended_at_ms: null });
    });

    test('of a fleet that asks at once reads its own specification, and one without power or command is refused alone', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      const { signer, caCertificatePem } = await testSigner(clock.now());
      await using server = await engineServer(database, { clock, signer: async () => signer });
      const hosts = Array.from({ length: 25 }, (_, index) => `host-${index}`);
      await makeFleet(server.store, hosts);
      await startDeployment(server, 'd-1');
      const commands = await Promise.all(hosts.map((host) => firstCommand(server, host)));
      await server.disable(keyOfHost('host-3'));
      const ask = async (host: string, executionId: string) => {
        try {
          const answer = await server.commands.GetDeploymentSpecification(
            { DeploymentExecutionId: executionId, HostIdentifier: hostArn(host) },
            as(host),
          );
          const json = await openEnvelope(answer.DeploymentSpecification?.GenericEnvelope, {
            caCertificatePem,
            nowMs: clock.now(),
          });
          const { order } = parseOrderedSpecification(json, { reservedIds: [] });
          return order?.hostCommandIdentifier;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      };
      const [unknown = '', ...others] = await Promise.all([
        ask('host-0', '000000000000/d-2/id-of-host-0/1'),
        ...commands.map(({ DeploymentExecutionId }, index) => ask(`host-${index}`, DeploymentExecutionId)),
      ]);
      expect(unknown).toMatch(/no command to carry out/);
      expect(others[3]).toMatch(/disabled|no command to carry out/);
      const expected = commands.map(({ HostCommandIdentifier }) => HostCommandIdentifier);
      expect(others.toSpliced(3, 1)).toEqual(expected.toSpliced(3, 1));
    });

    test('reads the specification of its own deployments only, sealed by the server’s signer', async () => {
      await using database = await kind.create();
      const clock = manualClock();
      const { signer, caCertificatePem } = await testSigner(clock.now());
      let asked = 0;
      await using server = await engineServer(database, {
        clock,
        signer: async () => {
          asked += 1;
          return signer;
        },
      });
      await makeFleet(server.store, ['a', 'b']);
      await startDeployment(server, 'd-1', { file_exists_behavior: 'OVERWRITE' });
      const { DeploymentExecutionId, HostCommandIdentifier, CommandName } = await firstCommand(server, 'a');
      const ask = (host: string, id: string) =>
        server.commands.GetDeploymentSpecification(
          { DeploymentExecutionId: id, HostIdentifier: hostArn(host) },
          as(host),
        );

      const answer = await ask('a', DeploymentExecutionId);
      expect(answer.DeploymentSystem).toBe('CodeDeploy');
      const json = await openEnvelope(answer.DeploymentSpecification?.GenericEnvelope, {
        caCertificatePem,
        nowMs: clock.now(),
      });
      expect(parseSpecification(json)).toMatchObject({
        deploymentId: 'd-1',
        deploymentGroupId: 'group-1',
        fileExistsBehavior: 'OVERWRITE',
        revision: { revisionType: 'S3', bucket: 'revisions', key: 'one.tgz', bundleType: 'tgz', eTag: null },
      });
      expect(parseOrderedSpecification(json, { reservedIds: [] }).order).toEqual({
        hostIdentifier: hostArn('a'),
        deploymentExecutionId: DeploymentExecutionId,
        hostCommandIdentifier: HostCommandIdentifier,
        commandName: CommandName,
        issuedAtMs: Math.floor(clock.now() / 1000) * 1000,
        expiresAtMs: Math.floor(clock.now() / 1000) * 1000 + 600_000,
      });
      expect(asked).toBeGreaterThan(0);

      for (const id of [
        DeploymentExecutionId.replace('id-of-a', 'id-of-b'),
        'x',
        'a/b/c/d',
        'a/d-1/id-of-a/1/2',
        `a//${'/'.repeat(50)}`,
      ]) {
        await expect(ask('a', id)).rejects.toMatchObject({ type: 'ClientException' });
      }
      await expect(ask('b', DeploymentExecutionId)).rejects.toMatchObject({ type: 'ClientException' });
    });

    test('is told which member of its request is missing or wrong', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      const { commands } = server;
      const wrong = { HostCommandIdentifier: 7, DeploymentExecutionId: [], HostIdentifier: '' } as never;
      for (const [call, member] of [
        [() => commands.PollHostCommand(wrong, as('a')), 'HostIdentifier'],
        [
          () => commands.GetDeploymentSpecification({ ...(wrong as object), HostIdentifier: 'x' } as never, as('a')),
          'DeploymentExecutionId',
        ],
        [() => commands.PutHostCommandAcknowledgement(wrong, as('a')), 'HostCommandIdentifier'],
        [() => commands.PutHostCommandComplete({} as never, as('a')), 'HostCommandIdentifier'],
        [() => commands.PutHostCommandComplete({ HostCommandIdentifier: 'x' } as never, as('a')), 'CommandStatus'],
        [
          () => commands.PutHostCommandComplete({ HostCommandIdentifier: 'x', CommandStatus: 'Pending' }, as('a')),
          'CommandStatus',
        ],
        [
          () =>
            commands.PutHostCommandComplete(
              { HostCommandIdentifier: 'x', CommandStatus: 'Failed', Diagnostics: 'x' } as never,
              as('a'),
            ),
          'Diagnostics',
        ],
      ] as const) {
        await expect(call()).rejects.toMatchObject({
          type: 'ClientException',
          message: expect.stringContaining(member),
        });
      }
    });

    test('a host that reports progress gets the state of its command', async () => {
      await using database = await kind.create();
      await using server = await engineServer(database);
      await makeFleet(server.store, ['a']);
      await startDeployment(server, 'd-1');
      const command = await firstCommand(server, 'a');
      const ask = async () => (await server.commands.PostHostCommandUpdate(command, as('a'))).CommandStatus;
      expect(await ask()).toBe('Pending');
      await server.acknowledge('a', command);
      expect(await ask()).toBe('InProgress');
      await server.stop('d-1');
      expect(await ask()).toBe('InProgress');
      await server.complete('a', command);
      expect(await ask()).toBe('Succeeded');
      expect(await runHost(server, 'a')).toEqual([]);
    });
  });
});

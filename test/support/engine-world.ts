import { silentLogger } from '../../src/logging/logger.ts';
import type { CommandDiagnostics } from '../../src/protocol/diagnostics.ts';
import { encodeDiagnostics } from '../../src/protocol/diagnostics.ts';
import { createSigningAuthority, issueSigner, type Signer } from '../../src/protocol/envelope/authority.ts';
import type { CommandStatus, HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { createHeardOf } from '../../src/server/commands/heard-of.ts';
import { createHostCommandService, type HostCommandService } from '../../src/server/commands/host-commands.ts';
import { disableKey } from '../../src/server/engine/disable-key.ts';
import { type Engine, startEngine } from '../../src/server/engine/engine.ts';
import { requestStop, type StopAnswer } from '../../src/server/engine/stop.ts';
import { createWaiters, type Waiters } from '../../src/server/engine/waiters.ts';
import { findDeployment, insertDeployment, type NewDeployment } from '../../src/server/store/deployments.ts';
import { deregisterHost } from '../../src/server/store/hosts.ts';
import { eventsOf } from '../../src/server/store/lifecycle-events.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow } from '../../src/server/store/schema.ts';
import type { Store } from '../../src/server/store/store.ts';
import { targetsOf } from '../../src/server/store/targets.ts';
import { systemRandom } from '../../src/system/random.ts';
import { askerOf } from './asker.ts';
import { type ManualClock, manualClock } from './clock.ts';
import type { TestDatabase, TestStore } from './stores.ts';

export const GROUP_ID = 'group-1';
export const APPLICATION_ID = 'application-1';
const ACCOUNT_ID = '000000000000';

export const hostArn = (name: string) => `arn:aws:iam::${ACCOUNT_ID}:user/slipway/${name}`;
/** The key that a host of `makeFleet` has. */
export const keyOfHost = (name: string) => `AKIA-${name}`;
export const revisionJson = (key: string) =>
  JSON.stringify({ revisionType: 'S3', s3Location: { bucket: 'revisions', key, bundleType: 'tgz' } });

/** A server as far as deployments go: engine and host commands on a database, with a clock that a test moves. */
export interface EngineServer extends AsyncDisposable {
  readonly store: TestStore;
  readonly engine: Engine;
  readonly waiters: Waiters;
  readonly commands: HostCommandService;
  /** Hosts whose polls are held: they have looked for a command, and wait. */
  readonly held: ReadonlySet<string>;
  /** A host's poll; held until there is something, or the clock passes its end, or the signal aborts. */
  poll(host: string, signal?: AbortSignal, key?: string): Promise<HostCommand | null>;
  /** @param key that signs; else the one that `makeFleet` gave to the host */
  acknowledge(host: string, command: HostCommand, isNoop?: boolean, key?: string): Promise<CommandStatus | undefined>;
  complete(host: string, command: HostCommand, end?: Partial<CommandDiagnostics>, key?: string): Promise<void>;
  stop(deploymentId: string, withRollback?: boolean | null, now?: boolean): Promise<StopAnswer>;
  deregister(host: string): Promise<void>;
  disable(key: string): Promise<void>;
}

export interface EngineServerOptions {
  readonly clock?: ManualClock;
  readonly signer?: () => Promise<Signer>;
  /** The process dies after what it was told is committed and before the deployment is driven on. */
  readonly diesBeforeStep?: boolean;
}

/** Nothing in these worlds is sealed. */
const UNSEALED = { sealer: { open: (text: string) => text } };

export async function engineServer(database: TestDatabase, options: EngineServerOptions = {}): Promise<EngineServer> {
  const store = await database.open();
  const clock = options.clock ?? manualClock();
  const waiters = createWaiters();
  const base = { store, waiters, clock, random: systemRandom, log: silentLogger };
  const engine = await startEngine(base);
  const driving = options.diesBeforeStep === true ? { step: async () => undefined } : engine;
  const signer = options.signer ?? (() => Promise.reject(new Error('no signer was given')));
  const heardOf = createHeardOf(base);
  const commands = createHostCommandService({
    ...base,
    ...UNSEALED,
    heardOf,
    engine: driving,
    accountId: ACCOUNT_ID,
    signer,
  });
  const held = new Set<string>();
  const caller = (host: string, accessKeyId = keyOfHost(host), signal?: AbortSignal) => ({
    accessKeyId,
    hostArn: hostArn(host),
    agentVersion: 'test',
    asker: askerOf(signal, (isHeld) => void (isHeld ? held.add(host) : held.delete(host))),
  });
  return {
    store,
    engine,
    waiters,
    commands,
    held,
    async poll(host, signal, key) {
      const answer = await commands.PollHostCommand({ HostIdentifier: hostArn(host) }, caller(host, key, signal));
      return answer.HostCommand ?? null;
    },
    async acknowledge(host, command, isNoop = false, key = keyOfHost(host)) {
      const answer = await commands.PutHostCommandAcknowledgement(
        {
          HostCommandIdentifier: command.HostCommandIdentifier,
          Diagnostics: { Format: 'JSON', Payload: JSON.stringify({ IsCommandNoop: isNoop }) },
        },
        caller(host, key),
      );
      return answer.CommandStatus;
    },
    async complete(host, command, end = {}, key = keyOfHost(host)) {
      const diagnostics = {
        errorCode: 0,
        scriptName: '',
        message: 'Succeeded: CompletedNoopCommand',
        log: '',
        ...end,
      } as const;
      await commands.PutHostCommandComplete(
        {
          HostCommandIdentifier: command.HostCommandIdentifier,
          CommandStatus: diagnostics.errorCode === 0 ? 'Succeeded' : 'Failed',
          Diagnostics: encodeDiagnostics(diagnostics),
        },
        caller(host, key),
      );
    },
    stop: (deploymentId, withRollback = null, now = false) =>
      requestStop({ store, clock }, driving, { deploymentId, withRollback, now }),
    async deregister(host) {
      const gone = await store.transaction((tx) => deregisterHost(tx, store.wakeUps, host, clock.now()));
      for (const deploymentId of gone?.deploymentIds ?? []) await driving.step(deploymentId);
      waiters.wake(hostArn(host));
    },
    async disable(key) {
      const gone = await store.transaction((tx) => disableKey(tx, { store, clock }, key));
      for (const deploymentId of gone?.deploymentIds ?? []) await driving.step(deploymentId);
    },
    async [Symbol.asyncDispose]() {
      await heardOf.close();
      await engine.close();
    },
  };
}

/** An application, a group of all hosts with the tag `in: fleet`, and hosts of these names in it. */
export async function makeFleet(store: Store, hosts: readonly string[], settings: object = {}): Promise<void> {
  await store.transaction(async (tx) => {
    await tx
      .insertInto('applications')
      .values({ application_id: APPLICATION_ID, application_name: 'app', compute_platform: 'Server', created_at_ms: 0 })
      .execute();
    await tx
      .insertInto('deployment_groups')
      .values({
        deployment_group_id: GROUP_ID,
        application_id: APPLICATION_ID,
        deployment_group_name: 'fleet',
        deployment_config_name: 'CodeDeployDefault.AllAtOnce',
        service_role_arn: '',
        settings_json: JSON.stringify({
          onPremisesInstanceTagFilters: [{ Key: 'in', Value: 'fleet', Type: 'KEY_AND_VALUE' }],
          ...settings,
        }),
        target_revision_json: null,
        last_attempted_deployment_id: null,
        last_successful_deployment_id: null,
        created_at_ms: 0,
      })
      .execute();
    for (const name of hosts) {
      const instance_id = `id-of-${name}`;
      await tx
        .insertInto('instances')
        .values({
          instance_id,
          instance_name: name,
          instance_arn: `arn:aws:codedeploy:us-east-1:${ACCOUNT_ID}:instance/${name}_0123456789`,
          arn_kind: 'user',
          host_arn: hostArn(name),
          registered_at_ms: 0,
          deregistered_at_ms: null,
          last_polled_at_ms: null,
          agent_version: null,
        })
        .execute();
      await tx
        .insertInto('instance_tags')
        .values({ instance_id, instance_name: name, tag_key: 'in', tag_value: 'fleet' })
        .execute();
      await tx
        .insertInto('access_keys')
        .values({
          access_key_id: keyOfHost(name),
          secret_sealed: '',
          role: 'host',
          host_arn: hostArn(name),
          description: '',
          created_at_ms: 0,
          disabled_at_ms: null,
        })
        .execute();
    }
  });
}

export function newDeployment(deploymentId: string, changes: Partial<NewDeployment> = {}): NewDeployment {
  return {
    deployment_id: deploymentId,
    application_id: APPLICATION_ID,
    application_name: 'app',
    deployment_group_id: GROUP_ID,
    deployment_group_name: 'fleet',
    deployment_config_name: 'CodeDeployDefault.AllAtOnce',
    minimum_type: 'HOST_COUNT',
    minimum_value: 0,
    status: 'Created',
    revision_json: revisionJson('one.tgz'),
    previous_revision_json: null,
    creator: 'user',
    description: null,
    file_exists_behavior: 'DISALLOW',
    ignore_application_stop_failures: 0,
    update_outdated_instances_only: 0,
    options_json: '{}',
    created_at_ms: Date.UTC(2026, 0, 1),
    started_at_ms: null,
    completed_at_ms: null,
    stop_requested_at_ms: null,
    error_code: null,
    error_message: null,
    wake_at_ms: Date.UTC(2026, 0, 1),
    ...changes,
  };
}

/** Does the same as CreateDeployment: a row, and the first step. */
export async function startDeployment(
  server: Pick<EngineServer, 'store' | 'engine'>,
  deploymentId: string,
  changes: Partial<NewDeployment> = {},
): Promise<void> {
  await server.store.transaction((tx) => insertDeployment(tx, newDeployment(deploymentId, changes)));
  await server.engine.step(deploymentId);
}

/** A host does all that it is told, until there is nothing for it within the poll's time or the deployment is over. */
export async function runHost(
  server: EngineServer,
  host: string,
  end: (commandName: string) => Partial<CommandDiagnostics> = () => ({}),
  key = keyOfHost(host),
): Promise<string[]> {
  const done: string[] = [];
  for (;;) {
    const command = await pollNow(server, host, key);
    if (command === null) return done;
    done.push(command.CommandName);
    await server.acknowledge(host, command, false, key);
    await server.complete(host, command, end(command.CommandName), key);
  }
}

/** Answer to a poll that is not held: the commands that are ready now. */
export async function pollNow(server: EngineServer, host: string, key?: string): Promise<HostCommand | null> {
  const [event] = await server.store.db
    .selectFrom('lifecycle_events')
    .select('host_command_id')
    .where('host_arn', '=', hostArn(host))
    .where('ready_at_ms', 'is not', null)
    .where('handed_out_at_ms', 'is', null)
    // What the server does itself has begun already.
    .where('started_at_ms', 'is', null)
    .where('ended_at_ms', 'is', null)
    .execute();
  return event === undefined ? null : server.poll(host, undefined, key);
}

export async function deploymentOf(store: Store, deploymentId: string): Promise<DeploymentRow> {
  const row = await findDeployment(store.db, deploymentId);
  if (row === null) throw new Error(`there is no deployment ${deploymentId}`);
  return row;
}

/** Targets with their events, by instance name. */
export async function targetsByName(
  store: Store,
  deploymentId: string,
): Promise<Record<string, TargetRow & { events: LifecycleEventRow[] }>> {
  const events = Map.groupBy(await eventsOf(store.db, deploymentId), (event) => event.instance_id);
  const targets = await targetsOf(store.db, deploymentId);
  return Object.fromEntries(
    targets.map((target) => [target.target_id, { ...target, events: events.get(target.instance_id) ?? [] }]),
  );
}

export async function statusesOf(store: Store, deploymentId: string): Promise<Record<string, string>> {
  const targets = await targetsByName(store, deploymentId);
  return Object.fromEntries(Object.entries(targets).map(([name, { status }]) => [name, status]));
}

/** A signer as a server's own: of an authority made for the test. */
export async function testSigner(nowMs: number): Promise<{ signer: Signer; caCertificatePem: string }> {
  const authority = await createSigningAuthority({ nowMs, random: systemRandom, commonName: 'test authority' });
  const signer = await issueSigner(authority, { nowMs, random: systemRandom, commonName: 'test signer' });
  return { signer, caCertificatePem: authority.caCertificatePem };
}

/** Attacks on the programs behind `--fleets`: words of callers that reach them, and programs that answer with too much or not at all. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import type { ControlServer } from '../support/slipway.ts';
import type { Attack, AttackGround } from './attack.ts';
import { keyOf, stillServes } from './server-alive.ts';

const WORDS = 'what callers write is data to the programs of the server, and never an order';
const NEVER_HELD = 'no program of the operator’s ends or starves the server, whatever it prints';
const GROUP = { applicationName: 'shop', deploymentGroupName: 'web' };

/** A server whose program for replacement hosts is this shell script. */
async function serverWith(ground: AttackGround, script: string): Promise<ControlServer> {
  const at = (name: string) => join(ground.folder, name);
  writeFileSync(at('make.sh'), `#!/bin/sh\ncd ${ground.folder} || exit 1\n${script}\n`, { mode: 0o755 });
  const provision = { command: at('make.sh'), limitSeconds: 60, enrolSeconds: 1 };
  writeFileSync(at('fleets.json'), JSON.stringify({ 'shop/*': { provision } }));
  writeFileSync(at('balancers.json'), JSON.stringify({ front: { kind: 'script', command: ['/bin/true'] } }));
  return ground.ownServer(['--fleets', at('fleets.json'), '--load-balancers', at('balancers.json')]);
}

/** A blue/green deployment to one original host, with these tags for its replacement. @returns its id */
async function deploy(admin: ManagementClient, tags: Readonly<Record<string, string>>): Promise<string> {
  await admin.call('CreateApplication', { applicationName: GROUP.applicationName });
  await admin.call('RegisterOnPremisesInstance', {
    ...{ instanceName: 'old-1', iamUserArn: 'arn:aws:iam::000000000000:user/old-1' },
  });
  const tag = { Key: 'Fleet', Value: 'old' };
  await admin.call('AddTagsToOnPremisesInstances', { instanceNames: ['old-1'], tags: [tag] });
  await admin.call('CreateDeploymentGroup', {
    ...{ ...GROUP, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    onPremisesInstanceTagFilters: [{ ...tag, Type: 'KEY_AND_VALUE' }],
    deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
    blueGreenDeploymentConfiguration: {},
    loadBalancerInfo: { targetGroupInfoList: [{ name: 'front' }] },
  });
  const s3Location = { bucket: 'revisions', key: 'a.zip', bundleType: 'zip' } as const;
  const lists = Object.entries(tags).map(([Key, Value]) => [{ Key, Value, Type: 'KEY_AND_VALUE' as const }]);
  const { deploymentId = '' } = await admin.call('CreateDeployment', {
    ...{ ...GROUP, revision: { revisionType: 'S3', s3Location } },
    targetInstances: { ec2TagSet: { ec2TagSetList: lists } },
  });
  return deploymentId;
}

async function failureOf(admin: ManagementClient, deploymentId: string): Promise<string> {
  let message = '';
  await eventually(async () => {
    const { deploymentInfo: info } = await admin.call('GetDeployment', { deploymentId });
    message = info?.errorInformation?.message ?? '';
    return info?.status === 'Failed';
  });
  return message;
}

export const FLEET_ATTACKS: readonly Attack[] = [
  {
    promise: WORDS,
    name: 'a caller writes orders of a shell into the tags of replacement hosts',
    limitSeconds: 150,
    async run(ground) {
      const tags = {
        Role: `$(touch obeyed)\`touch obeyed\`; touch obeyed; "' && touch obeyed`,
        Zone: '\n touch obeyed\n',
        LD_PRELOAD: './evil.so',
      };
      const server = await serverWith(ground, 'env > environment; printf %s "$SLIPWAY_TAGS" > tags; exit 1');
      const admin = managementClient(server.url, keyOf(server));
      await failureOf(admin, await deploy(admin, tags));
      assert.deepEqual(JSON.parse(readFileSync(join(ground.folder, 'tags'), 'utf8')), tags);
      assert.ok(!existsSync(join(ground.folder, 'obeyed')), 'a tag was carried out');
      const environment = readFileSync(join(ground.folder, 'environment'), 'utf8');
      assert.doesNotMatch(environment, /^LD_PRELOAD=/m, 'a tag became a variable');
      assert.doesNotMatch(environment, /^AWS_/m, 'the program got keys of the server');
    },
  },
  {
    promise: NEVER_HELD,
    name: 'a program writes 100 MB, leaves a process, and says that it has made nine quadrillion hosts',
    limitSeconds: 150,
    async run(ground) {
      const script = `head -c 100000000 /dev/zero | tr '\\0' 'x'; sleep 30 & echo; echo '{"count": 9000000000000000}'`;
      const server = await serverWith(ground, script);
      const admin = managementClient(server.url, keyOf(server));
      const message = await failureOf(admin, await deploy(admin, { Fleet: 'new' }));
      assert.match(message, /9000000000000000 did not enrol/);
      await stillServes(server);
    },
  },
  {
    promise: NEVER_HELD,
    name: 'a program names hosts by orders to a terminal, and by names of no host',
    limitSeconds: 150,
    async run(ground) {
      const names = JSON.stringify({ hosts: ['\u001b[2J\u001b]0;owned\u0007', '::error::x', '__proto__', ''] });
      writeFileSync(join(ground.folder, 'names'), names);
      const server = await serverWith(ground, 'cat names');
      const admin = managementClient(server.url, keyOf(server));
      assert.match(await failureOf(admin, await deploy(admin, { Fleet: 'new' })), /did not enrol/);
      await stillServes(server);
    },
  },
];

/** Names that groups can use for things outside the server, and the groups that use each. */
import type { ServerSettingRecord } from '../../protocol/management/shapes.ts';
import { balancerNames, type SettingsOfGroup } from '../engine/settings.ts';
import { settingsOfGroups } from '../store/deployment-groups.ts';
import type { StoreReader } from '../store/store.ts';
import type { DescribedName, Handlers } from './context.ts';

/** As many groups are read at a time, so that other requests get their turn. */
const GROUPS_AT_ONCE = 500;
/** More groups are counted, and not named. */
const MOST_NAMED = 20;

type Kind = 'loadBalancers' | 'alarms' | 'noticeTargets';
type GroupName = ServerSettingRecord['usedBy'][number];
type Users = Readonly<Record<Kind, Map<string, { readonly named: GroupName[]; count: number }>>>;

export const serverSettingsHandlers: Handlers<'DescribeServerSettings'> = {
  async DescribeServerSettings(ctx) {
    const users = await usersOf(ctx.store.db);
    const recordsOf = (kind: Kind) => recordsFrom(ctx.described[kind], users[kind]);
    return {
      asksAws: ctx.asksAws,
      loadBalancers: recordsOf('loadBalancers'),
      alarms: recordsOf('alarms'),
      noticeTargets: recordsOf('noticeTargets'),
    };
  },
};

async function usersOf(db: StoreReader): Promise<Users> {
  const users: Users = { loadBalancers: new Map(), alarms: new Map(), noticeTargets: new Map() };
  for (let after = ''; ; ) {
    const rows = await settingsOfGroups(db, after, GROUPS_AT_ONCE);
    for (const row of rows) {
      const group = { applicationName: row.application_name, deploymentGroupName: row.deployment_group_name };
      const named = namesIn(JSON.parse(row.settings_json) as SettingsOfGroup);
      for (const kind of Object.keys(users) as Kind[]) {
        for (const name of new Set(named[kind])) addUser(users[kind], name, group);
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < GROUPS_AT_ONCE) return users;
    after = last.deployment_group_id;
  }
}

function namesIn(settings: SettingsOfGroup): Readonly<Record<Kind, readonly string[]>> {
  return {
    loadBalancers: balancerNames(settings.loadBalancerInfo),
    alarms: (settings.alarmConfiguration?.alarms ?? []).flatMap(({ name }) => name ?? []),
    noticeTargets: (settings.triggerConfigurations ?? []).flatMap(({ triggerTargetArn }) => triggerTargetArn ?? []),
  };
}

function addUser(users: Users[Kind], name: string, group: GroupName): void {
  const user = users.get(name) ?? { named: [], count: 0 };
  user.count += 1;
  if (user.named.length < MOST_NAMED) user.named.push(group);
  users.set(name, user);
}

/** Names of the server's file in its order, then those that only groups have. */
function recordsFrom(described: readonly DescribedName[], users: Users[Kind]): ServerSettingRecord[] {
  const usedBy = (name: string) => {
    const { named = [], count = 0 } = users.get(name) ?? {};
    return { usedBy: named, usedByCount: count };
  };
  const configured = new Set(described.map(({ name }) => name));
  const others = [...users.keys()].filter((name) => !configured.has(name)).toSorted();
  return [
    ...described.map(({ name, kind, place }) => ({
      ...{ name, isConfigured: true, kind },
      ...(place === null ? {} : { place }),
      ...usedBy(name),
    })),
    ...others.map((name) => ({ name, isConfigured: false, ...usedBy(name) })),
  ];
}

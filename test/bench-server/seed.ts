import { openSealer } from '../../src/server/secrets/open-sealer.ts';
import { createAccessKey } from '../../src/server/store/access-keys.ts';
import { insertInstance } from '../../src/server/store/instances.ts';
import { openStore, type StoreLocation } from '../../src/server/store/store.ts';
import { systemRandom } from '../../src/system/random.ts';
import type { WireHost } from './wire.ts';

/** The tag that all hosts of the bench carry. */
export const FLEET_TAG = { Key: 'Role', Value: 'fleet' } as const;

/** Registers hosts straight in the database: enrolling them is not what is measured. */
export async function seedHosts(
  location: StoreLocation,
  dataDir: string,
  names: readonly string[],
): Promise<readonly WireHost[]> {
  const store = await openStore(location);
  try {
    const { sealer } = await openSealer({ store, dataDir, random: systemRandom });
    const nowMs = Date.now();
    return await store.transaction(async (tx) => {
      const hosts: WireHost[] = [];
      for (const instance_name of names) {
        const instance_id = systemRandom.uuid();
        const hostArn = `arn:aws:iam::000000000000:user/slipway/${instance_name}`;
        const instance_arn = `arn:aws:codedeploy:us-east-1:000000000000:instance/${instance_name}_0123456789`;
        const ids = { instance_id, instance_name, instance_arn, host_arn: hostArn };
        await insertInstance(tx, { ...ids, arn_kind: 'user', registered_at_ms: nowMs });
        const tag = { tag_key: FLEET_TAG.Key, tag_value: FLEET_TAG.Value };
        await tx
          .insertInto('instance_tags')
          .values({ instance_id, instance_name, ...tag })
          .execute();
        const key = { role: 'host', hostArn, description: 'for the bench' } as const;
        hosts.push({ hostArn, ...(await createAccessKey(tx, { sealer, random: systemRandom, nowMs }, key)) });
      }
      return hosts;
    });
  } finally {
    await store.close();
  }
}

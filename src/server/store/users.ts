/** Users of the IAM API: identities of on-premises hosts. Their keys are the access keys of role `host` that speak for their ARNs. */
import type { UserRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** @returns null: there is no such user */
export async function findUser(db: StoreReader, userName: string): Promise<UserRow | null> {
  const row = await db.selectFrom('users').selectAll().where('user_name', '=', userName).executeTakeFirst();
  return row ?? null;
}

/** The same, held until the transaction ends. Comes before the keys of the host in the order of locks. */
export async function lockUser(tx: StoreTransaction, userName: string): Promise<UserRow | null> {
  const query = tx.selectFrom('users').selectAll().where('user_name', '=', userName);
  return (await query.forUpdate().executeTakeFirst()) ?? null;
}

export async function findUserByArn(db: StoreReader, userArn: string): Promise<UserRow | null> {
  const row = await db.selectFrom('users').selectAll().where('user_arn', '=', userArn).executeTakeFirst();
  return row ?? null;
}

/** The user whose name differs from this one in the case of its letters at most. */
export async function findUserOfAnyCase(db: StoreReader, userName: string): Promise<UserRow | null> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('name_in_lower_case', '=', userName.toLowerCase())
    .executeTakeFirst();
  return row ?? null;
}

export async function insertUser(tx: StoreTransaction, row: Omit<UserRow, 'name_in_lower_case'>): Promise<void> {
  await tx
    .insertInto('users')
    .values({ ...row, name_in_lower_case: row.user_name.toLowerCase() })
    .execute();
}

export async function deleteUser(tx: StoreTransaction, userName: string): Promise<void> {
  await tx.deleteFrom('users').where('user_name', '=', userName).execute();
}

export async function setUserPolicies(tx: StoreTransaction, userName: string, policiesJson: string): Promise<void> {
  await tx.updateTable('users').set({ policies_json: policiesJson }).where('user_name', '=', userName).execute();
}

/** A page of users in the order of their names, from the one behind `after` on. @param pathPrefix `/`: all of them */
export async function listUsers(
  db: StoreReader,
  pathPrefix: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<UserRow[]> {
  return db
    .selectFrom('users')
    .selectAll()
    .where('user_name', '>', after)
    .where((eb) => eb(eb.fn<string>('substr', ['user_path', eb.lit(1), eb.lit(pathPrefix.length)]), '=', pathPrefix))
    .orderBy('user_name')
    .limit(limit)
    .execute();
}

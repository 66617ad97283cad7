import { expect, test } from 'vitest';
import { statement } from '../../../src/server/store/statement.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { scratchFolder } from '../../support/scratch.ts';

test('a statement whose text is remembered takes the values of each call: texts, null, objects, and lists of any length', async () => {
  using scratch = scratchFolder();
  const store = await openStore({ dataDir: scratch.path });
  try {
    const insert = statement((db, row: { name: string; value_sealed: string }) => db.insertInto('secrets').values(row));
    const find = statement((db, names: readonly string[]) =>
      db.selectFrom('secrets').select('name').where('name', 'in', names).orderBy('name'),
    );
    const change = statement((db, changes: { name?: string; value_sealed?: string }, name: string | null) =>
      db.updateTable('secrets').set(changes).where('name', 'is not distinct from', name),
    );
    const names = Array.from({ length: 120 }, (_, index) => `name-${String(index).padStart(3, '0')}`);
    await store.transaction(async (tx) => {
      for (const name of names) expect((await insert(tx, { name, value_sealed: '' })).changes).toBe(1);
    });
    for (const length of [1, 2, 3, 4, 5, 16, 17, 99, 100, 120]) {
      const some = names.slice(0, length);
      expect((await find(store.db, some)).rows.map(({ name }) => name)).toEqual(some);
    }
    expect((await find(store.db, ['no-such-name'])).rows).toEqual([]);
    expect((await change(store.db, { value_sealed: 'a' }, 'name-000')).changes).toBe(1);
    expect((await change(store.db, { name: 'other', value_sealed: 'b' }, 'name-001')).changes).toBe(1);
    expect((await change(store.db, { value_sealed: 'c' }, null)).changes).toBe(0);
    const rows = await store.db.selectFrom('secrets').selectAll().where('value_sealed', '!=', '').execute();
    expect(rows).toMatchObject([
      { name: 'name-000', value_sealed: 'a' },
      { name: 'other', value_sealed: 'b' },
    ]);
  } finally {
    await store.close();
  }
});

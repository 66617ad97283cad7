import type { EntryRules } from '../../src/archive/entry-rules.ts';

/** More than a test's bundle needs, and nothing refused but what always is. */
export const UNPACK_RULES = {
  limits: { maxBytes: 1024 * 1024 * 1024, maxEntries: 100_000 },
  rules: { rejectSymlinks: false, keepOwnership: false } as EntryRules,
};

/**
 * Run by vitest before every test file: what tests write has the modes that they expect, whatever the umask of whoever runs them. What the
 * program does under other umasks has tests of its own.
 */
process.umask(0o022);

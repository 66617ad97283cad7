/**
 * Run by vitest before every test file: what tests write has the modes that they expect, whatever the umask of whoever runs them. Other
 * umasks have tests of their own.
 */
process.umask(0o022);

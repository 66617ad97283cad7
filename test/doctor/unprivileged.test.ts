import { chmodSync } from 'node:fs';
import { execa } from 'execa';
import { expect } from 'vitest';
import { testIf } from '../support/needs.ts';
import { AS_NOBODY, mayActAsNobody } from '../support/nobody.ts';
import { scratchFolder } from '../support/scratch.ts';
import { SLIPWAY, startControlServer } from '../support/slipway.ts';

testIf(mayActAsNobody, 'root, and a checkout that others can read')(
  'The server’s doctor tells a user who may look at little to ask as root, and looks at the rest',
  async () => {
    using scratch = scratchFolder();
    chmodSync(scratch.path, 0o755);
    await using server = await startControlServer(scratch.at('data'));
    const words = ['server', 'doctor', '--json', '--data-dir', server.dataDir, '--listen', '127.0.0.1:1'];
    const [program, ...args] = [...AS_NOBODY, process.execPath, SLIPWAY, ...words];
    const { stdout, stderr } = await execa(program, args, { reject: false });
    expect(stderr).toBe('');
    const findings = JSON.parse(stdout) as { check: string; status: string; remedy: string | null }[];
    const unseen = findings.filter(({ remedy }) => /Run the doctor as root/.test(remedy ?? ''));
    expect(unseen.map(({ check }) => check)).toEqual(expect.arrayContaining(['server', 'database']));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'port 127.0.0.1:1' }));
  },
);

import { expect } from 'vitest';
import { privateCertificates } from '../support/certificates.ts';
import { testWith } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runSlipway, startDaemon } from '../support/slipway.ts';
import { deadPort } from './planting.ts';

testWith('openssl')(
  'The server’s doctor finds no fault in a server that runs over TLS, whose settings it reads from its process',
  async () => {
    using scratch = scratchFolder();
    const { certFile, keyFile, caFile } = await privateCertificates(scratch.path);
    const listen = `127.0.0.1:${await deadPort()}`;
    const args = ['server', '--data-dir', scratch.at('data'), '--listen', listen];
    await using server = startDaemon([...args, '--tls-cert', certFile, '--tls-key', keyFile], {
      stderrFile: scratch.at('log'),
    });
    expect(await server.firstLine).toContain('API on https://');
    const { status, stdout } = await runSlipway([
      ...['server', 'doctor', '--json', '--data-dir', scratch.at('data'), '--ca-file', caFile],
    ]);
    const findings = JSON.parse(stdout) as { check: string; status: string; detail: string }[];
    expect(findings.filter((finding) => finding.status === 'fail')).toEqual([]);
    expect(status).toBe(0);
    const checks = findings.map(({ check }) => check);
    const looked = ['server', 'database', 'master key', 'hosts', 'open files', `port ${listen}`, 'answer of API'];
    expect(checks).toEqual(expect.arrayContaining([...looked, 'certificate']));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'server', detail: `runs as PID ${server.pid}` }));
  },
);

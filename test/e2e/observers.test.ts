/** Monitoring of a real agent. */
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/agent/metrics.ts';
import { serveMetrics } from '../../src/agent/metrics-server.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { eventually } from '../support/eventually.ts';
import { answeringServer } from '../support/http-server.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

function get(socketPath: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    })
      .on('error', reject)
      .end();
  });
}

describe('an agent that is observed', () => {
  test('writes an event a line, counts commands for Prometheus, and sends spans to a collector', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'web-1');
    const [events, socket] = [scratch.at('events.json'), scratch.at('metrics.sock')];
    await using collector = await answeringServer(() => ({}));
    appendFileSync(
      host.configFile,
      `events_file: ${events}\nmetrics_listen: ${socket}\notlp_endpoint: ${collector.url}\n`,
    );
    const revision = writeRevision(scratch.at('one'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { ValidateService: 'exit 3' },
    });
    await runSlipway(['applications', 'create', 'site'], server.env);
    await runSlipway(['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'], server.env);
    {
      // One that is killed leaves its socket behind.
      await using agent = host.startAgent();
      await eventually(() => existsSync(socket));
      agent.kill('SIGKILL');
      await agent.exited;
    }
    {
      await using _agent = host.startAgent();
      await eventually(() =>
        get(socket, '/healthz').then(
          () => true,
          () => false,
        ),
      );
      const deployed = await runSlipway(['deploy', revision, '--application', 'site', '--group', 'test'], server.env);
      expect(deployed.status).toBe(1);
      await eventually(async () => (await get(socket, '/metrics')).text.includes('command="ValidateService"'));
      const { text } = await get(socket, '/metrics');
      expect(text).toContain('slipway_agent_commands_total{command="Install",status="Succeeded"} 1\n');
      expect(text).toContain('slipway_agent_commands_total{command="ValidateService",status="Failed"} 1\n');
      expect(text).toMatch(/slipway_agent_last_poll_time_seconds \d{10}/);
      expect(await get(socket, '/healthz')).toEqual({ status: 200, text: 'ok\n' });
      expect((await get(socket, '/other')).status).toBe(404);
    }
    const lines = readFileSync(events, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const types = lines.map(({ type }) => type);
    expect(types[0]).toBe('agent-started');
    expect(types.at(-1)).toBe('agent-stopping');
    expect(lines).toContainEqual(
      expect.objectContaining({
        type: 'command-ended',
        commandName: 'ValidateService',
        status: 'Failed',
        errorCode: 4,
        applicationName: 'site',
      }),
    );
    const spans = collector.received.map(({ body }) => body.toString()).join('');
    for (const name of ['DownloadBundle', 'Install', 'ValidateService']) expect(spans).toContain(`"name":"${name}"`);
    expect(statSync(events).size).toBeGreaterThan(0);
  });

  test('serves metrics to this machine alone', () => {
    const source = { metrics: () => '', trouble: () => null };
    for (const listen of ['0.0.0.0:9101', '10.0.0.1:9101', 'example.com:1', '127.0.0.1:99999', ':9101']) {
      expect(() => serveMetrics(listen, source, silentLogger), listen).toThrow(/metrics_listen/);
    }
  });

  test('keeps what a server calls a command from writing lines of its own', () => {
    const metrics = createMetrics();
    const facts = { hostCommandIdentifier: 'c', deploymentId: 'd', deploymentGroupId: 'g', applicationName: 'a' };
    const end = { status: 'Failed', errorCode: 5, message: '', durationMs: 1500 } as const;
    metrics.count({ type: 'command-ended', commandName: 'a"\nb', ...facts, ...end });
    const lastPoll = { answeredAtMs: null, failures: 0, lastError: null };
    const text = metrics.text({ version: '1', startedAtMs: 0, lastPoll, running: [], undelivered: [] });
    expect(text).toContain('slipway_agent_command_seconds_total{command="a\\"\\\\u000ab",status="Failed"} 1.5\n');
  });
});

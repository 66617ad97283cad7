/** Counters of one agent, and their text for Prometheus. Pure but for what it counts itself. */

import { escapeLabel, metricText } from '../system/prometheus.ts';
import type { AgentEvent } from './agent-events.ts';
import type { AgentStatus } from './status.ts';

export interface Metrics {
  count(event: AgentEvent): void;
  /** The text exposition format 0.0.4. */
  text(status: Pick<AgentStatus, 'version' | 'startedAtMs' | 'lastPoll' | 'running' | 'undelivered'>): string;
}

export function createMetrics(): Metrics {
  const commands = new Map<string, { count: number; seconds: number }>();
  let failedPolls = 0;
  return {
    count(event) {
      if (event.type === 'poll-failing') failedPolls += 1;
      if (event.type !== 'command-ended') return;
      const labels = `command="${escapeLabel(event.commandName)}",status="${event.status}"`;
      const { count, seconds } = commands.get(labels) ?? { count: 0, seconds: 0 };
      commands.set(labels, { count: count + 1, seconds: seconds + event.durationMs / 1000 });
    },
    text({ version, startedAtMs, lastPoll, running, undelivered }) {
      const ended = [...commands];
      return [
        metricText('slipway_agent_info', 'gauge', 'The agent and its version.', [
          [`version="${escapeLabel(version)}"`, 1],
        ]),
        metricText('slipway_agent_start_time_seconds', 'gauge', 'When it started.', [['', startedAtMs / 1000]]),
        metricText('slipway_agent_last_poll_time_seconds', 'gauge', 'When a poll was last answered; 0: never.', [
          ['', (lastPoll.answeredAtMs ?? 0) / 1000],
        ]),
        metricText('slipway_agent_poll_failures_in_a_row', 'gauge', 'Polls that failed since.', [
          ['', lastPoll.failures],
        ]),
        metricText('slipway_agent_poll_outages_total', 'counter', 'Times that polling began to fail.', [
          ['', failedPolls],
        ]),
        metricText('slipway_agent_commands_running', 'gauge', 'Host commands under way.', [['', running.length]]),
        metricText('slipway_agent_outcomes_undelivered', 'gauge', 'Outcomes that the endpoint does not have yet.', [
          ['', undelivered.length],
        ]),
        metricText(
          'slipway_agent_commands_total',
          'counter',
          'Host commands that have ended.',
          ended.map(([labels, { count }]) => [labels, count]),
        ),
        metricText(
          'slipway_agent_command_seconds_total',
          'counter',
          'What they have taken.',
          ended.map(([labels, { seconds }]) => [labels, seconds]),
        ),
      ].join('');
    },
  };
}

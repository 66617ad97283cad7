/**
 * A deployment as OpenTelemetry sees it: one trace, with a span for each host that took part, and below that one for each lifecycle event.
 *
 * All ids are digests of CodeDeploy's own. So hosts that know nothing of each other write into one trace, and a deployment id is enough to
 * name its trace. Pure.
 *
 * @see OTLP/HTTP, JSON encoding: ids are hex, times are strings of nanoseconds, whole numbers in attributes are strings
 */
import { createHash } from 'node:crypto';
import { printable } from '../system/printable.ts';
import type { AgentEvent } from './agent-events.ts';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 1;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: 1 } | { readonly code: 2; readonly message: string };
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

type CommandEvent = Extract<AgentEvent, { deploymentId: string }>;
type EndedCommand = Extract<AgentEvent, { type: 'command-ended' }>;

/** Limit on the message of a status, in characters: backends take little, and the diagnostics have the rest. */
const MAX_MESSAGE_CHARACTERS = 1024;

export function traceIdOf(deploymentId: string): string {
  return digest(`deployment ${deploymentId}`).slice(0, 32);
}

/**
 * The span that the events of one deployment on one host hang from. Nobody tells a host when its last event is over, so this span marks
 * only the beginning. The trace tells how long the whole took.
 */
export function deploymentSpan(event: CommandEvent, hostIdentifier: string, beganMs: number): Span {
  return {
    traceId: traceIdOf(event.deploymentId),
    spanId: hostSpanId(event.deploymentId, hostIdentifier),
    name: `deployment ${event.deploymentId}`,
    kind: 1,
    startTimeUnixNano: nanoseconds(beganMs),
    endTimeUnixNano: nanoseconds(beganMs),
    attributes: deploymentAttributes(event),
    status: { code: 1 },
  };
}

/** @param endedMs when the command was over; it began `durationMs` before */
export function lifecycleEventSpan(event: EndedCommand, hostIdentifier: string, endedMs: number): Span {
  const { deploymentId, commandName, hostCommandIdentifier, status, errorCode, message, durationMs } = event;
  return {
    traceId: traceIdOf(deploymentId),
    spanId: digest(`command ${hostCommandIdentifier} ${hostIdentifier}`).slice(0, 16),
    parentSpanId: hostSpanId(deploymentId, hostIdentifier),
    name: commandName,
    kind: 1,
    startTimeUnixNano: nanoseconds(endedMs - durationMs),
    endTimeUnixNano: nanoseconds(endedMs),
    attributes: [
      ...deploymentAttributes(event),
      text('codedeploy.host_command.id', hostCommandIdentifier),
      { key: 'codedeploy.error_code', value: { intValue: String(errorCode) } },
    ],
    status: status === 'Succeeded' ? { code: 1 } : { code: 2, message: message.slice(0, MAX_MESSAGE_CHARACTERS) },
  };
}

/** The body of one export: `POST …/v1/traces`. */
export function exportRequest(spans: readonly Span[], hostIdentifier: string, version: string): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: [
            text('service.name', 'slipway-agent'),
            text('service.version', version),
            text('host.id', hostIdentifier),
          ],
        },
        scopeSpans: [{ scope: { name: 'slipway', version }, spans }],
      },
    ],
  });
}

function deploymentAttributes({ deploymentId, deploymentGroupId, applicationName }: CommandEvent): Attribute[] {
  return [
    text('codedeploy.deployment.id', deploymentId),
    text('codedeploy.deployment_group.id', deploymentGroupId),
    text('codedeploy.application', applicationName),
  ];
}

function hostSpanId(deploymentId: string, hostIdentifier: string): string {
  return digest(`host ${deploymentId} ${hostIdentifier}`).slice(0, 16);
}

function text(key: string, stringValue: string): Attribute {
  return { key, value: { stringValue: printable(stringValue) } };
}

/** As a string: nanoseconds since the epoch are more than a double can count. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n);
}

function digest(words: string): string {
  return createHash('sha256').update(words).digest('hex');
}

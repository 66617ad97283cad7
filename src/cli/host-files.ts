/** The files that enrolment writes: who the host is, and which server its agent talks to. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { writeFileDurably } from '../system/durable-file.ts';
import { type HostSettings, textSetting } from './host-configuration.ts';

/** The files that make this machine a host. */
export interface HostFiles {
  readonly config: string;
  readonly onPremises: string;
  readonly signerCa: string;
  /** The authority of the server's own certificate; written where the system does not trust it. */
  readonly ca: string;
}

export function hostFilesIn(configDir: string): HostFiles {
  return {
    config: join(configDir, 'codedeployagent.yml'),
    onPremises: join(configDir, 'codedeploy.onpremises.yml'),
    signerCa: join(configDir, 'slipway-signer-ca.pem'),
    ca: join(configDir, 'slipway-ca.pem'),
  };
}

/** Files that stand in the way of an enrolment, and files that do not. */
export interface HostFilesThere {
  /** Files of an earlier enrolment, or with settings of a person. */
  readonly inTheWay: readonly string[];
  /** Text of a configuration that sets nothing, as a package brings it; null: there is none. */
  readonly template: string | null;
}

export function hostFilesThere(files: HostFiles): HostFilesThere {
  const there = Object.values(files).filter((file) => existsSync(file));
  if (!there.includes(files.config)) return { inTheWay: there, template: null };
  const text = readFileSync(files.config, 'utf8');
  if (!setsNothing(text)) return { inTheWay: there, template: null };
  return { inTheWay: there.filter((file) => file !== files.config), template: text };
}

function setsNothing(text: string): boolean {
  try {
    return parse(text) === null;
  } catch {
    // Somebody has written something, which is theirs to correct.
    return false;
  }
}

/** Removes what a failed enrolment has written. Files that were there before stay as they are now. */
export function takeBackHostFiles(files: HostFiles, { inTheWay, template }: HostFilesThere): void {
  for (const file of Object.values(files)) if (!inTheWay.includes(file)) rmSync(file, { force: true });
  if (template !== null) writeFileDurably(files.config, template, 0o644);
}

export interface HostIdentity {
  readonly hostArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly s3Endpoint: string;
  readonly signerCaCertificatePem: string;
  /** Whether the server signs each command's order; older servers do not. */
  readonly signsOrders: boolean;
}

export interface HostPlace {
  readonly endpoint: string;
  /** null: where the configuration says, else the usual system folders. */
  readonly stateDir: string | null;
}

/**
 * Keys that enrolment decides, and keys that it proposes if the operator has said nothing.
 *
 * @param before the configuration that is there; empty: none is
 */
export function hostSettings(
  files: HostFiles,
  identity: HostIdentity & { readonly authorities: string | null },
  { endpoint, stateDir }: HostPlace,
  before: string,
): HostSettings {
  // An authority that the operator has named stays trusted, unless the server needs another.
  const isOwnAuthority = ![undefined, files.ca].includes(textSetting(before, 'ca_file'));
  const authority = identity.authorities === null ? { ca_file: null } : { ca_file: files.ca };
  return {
    decided: {
      deploy_control_endpoint: endpoint,
      s3_endpoint_override: identity.s3Endpoint,
      ...(identity.authorities === null && isOwnAuthority ? {} : authority),
      deployment_spec_ca_file: files.signerCa,
      demand_signed_orders: identity.signsOrders ? true : null,
      on_premises_config_file: files.onPremises,
      ...(stateDir === null
        ? {}
        : {
            root_dir: join(stateDir, 'deployment-root'),
            log_dir: join(stateDir, 'log'),
            pid_dir: join(stateDir, 'state/.pid'),
          }),
    },
    // The server holds a poll until there is work, so the agent may ask again at once.
    proposed: { wait_between_runs: 1, wait_between_runs_active: 1 },
  };
}

/** @param configuration the text of the configuration file */
export function writeHostFiles(
  files: HostFiles,
  identity: HostIdentity & { readonly authorities: string | null },
  region: string,
  configuration: string,
): void {
  if (identity.authorities === null) rmSync(files.ca, { force: true });
  else writeFileDurably(files.ca, identity.authorities, 0o644);
  writeFileDurably(files.signerCa, identity.signerCaCertificatePem, 0o644);
  writeFileDurably(
    files.onPremises,
    stringify({
      region,
      iam_user_arn: identity.hostArn,
      aws_access_key_id: identity.accessKeyId,
      aws_secret_access_key: identity.secretAccessKey,
    }),
    0o600,
  );
  writeFileDurably(files.config, configuration, 0o600);
}

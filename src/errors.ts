/**
 * The one catalogue of error codes, and the one error class.
 *
 * A code is a promise to scripts and to `docs/errors.md`, which a test holds against this file in both directions. Codes are
 * never reused for another meaning. Sections follow the rooms of `src/`.
 */

interface CatalogueEntry {
  /** Meaning of the code, wherever it is raised: one sentence. */
  readonly meaning: string;
  /** Remedy for an operator; the place that raises the error may say something more exact. */
  readonly remedy: string;
}

export const ERROR_CATALOGUE = {
  // --- system
  INTERNAL: {
    meaning: 'Slipway met a situation that its authors did not foresee.',
    remedy: 'Run the command again with --verbose and report what it prints.',
  },
  PROGRAM_MISSING: {
    meaning: 'A program of the system that Slipway starts is in none of the folders of PATH.',
    remedy: 'Install the program that the message names, or put its folder into PATH of the service or the shell.',
  },
  PACKAGE_MISSING: {
    meaning: 'A package of npm that only some need is not installed beside Slipway.',
    remedy: 'Install the package that the message names beside Slipway, and start the server again.',
  },
  // --- config
  CONFIG_MISSING: {
    meaning: 'A configuration file that was asked for is not there.',
    remedy: 'Check the path behind --config-file; `slipway register` writes the file.',
  },
  CONFIG_UNREADABLE: {
    meaning: 'A configuration file cannot be read.',
    remedy: 'Check that the file is there, its rights, and those of the folders above it.',
  },
  CONFIG_INVALID: {
    meaning: 'A configuration file, or a setting in it, is wrong.',
    remedy: 'Correct the line that the message names; docs/config.md has every key with its type and default.',
  },
  // --- protocol
  SPECIFICATION_INVALID: {
    meaning: 'The deployment specification that the control endpoint sent cannot be used.',
    remedy: 'Check that deploy_control_endpoint names a CodeDeploy-compatible server, and look into that server’s log.',
  },
  ENVELOPE_MISSING: {
    meaning: 'The control endpoint answered without a deployment specification in a signed envelope.',
    remedy: 'Check that deploy_control_endpoint names a CodeDeploy-compatible server.',
  },
  ENVELOPE_FORMAT: {
    meaning: 'The envelope of the deployment specification is of a kind that is not accepted.',
    remedy: 'A server must send PKCS7/JSON; plain text is for local deployments only.',
  },
  ENVELOPE_MALFORMED: {
    meaning: 'The signed envelope of the deployment specification cannot be read.',
    remedy: 'Something between server and agent changes answers, or the server is faulty: compare with another host.',
  },
  ENVELOPE_SIGNATURE: {
    meaning: 'The signature of the deployment specification does not match its content.',
    remedy:
      'Nothing was run. Somebody or something changed the specification on its way: treat it as an attack until explained.',
  },
  ENVELOPE_UNTRUSTED: {
    meaning: 'The deployment specification is signed, but not by the authority that this agent trusts.',
    remedy:
      'Nothing was run. If the server was set up anew, fetch its signer-ca.pem into deployment_spec_ca_file (or run `slipway register --force`).',
  },
  ENVELOPE_ORDER_MISSING: {
    meaning: 'The deployment specification has no signed order, and demand_signed_orders asks for one.',
    remedy:
      'Nothing was run. Update the Slipway server; an AWS account signs no orders, and there demand_signed_orders must be false.',
  },
  ENVELOPE_OTHER_HOST: {
    meaning: 'A command, or the specification for it, is for another host.',
    remedy:
      'Nothing was run. Check that no two hosts share a configuration; if none do, somebody replays answers: treat it as an attack.',
  },
  ENVELOPE_OTHER_DEPLOYMENT: {
    meaning: 'The specification for a command is that of another deployment.',
    remedy: 'Nothing was run. A genuine server never mixes them up: treat it as an attack until explained.',
  },
  ENVELOPE_OTHER_COMMAND: {
    meaning: 'The specification for a command was signed for another command.',
    remedy:
      'Nothing was run. A command that its server has given up meets this, too: see `slipway deployments show`. Else treat it as an attack.',
  },
  ENVELOPE_EXPIRED: {
    meaning: 'The signed order for a command is not valid any more, or not yet.',
    remedy:
      'Nothing was run. Compare the clocks of host and server (chronyc tracking, timedatectl); if both are right, somebody replays answers.',
  },
  SERVER_UNREACHABLE: {
    meaning: 'The server could not be reached, or the connection broke.',
    remedy: 'Check the address, that the server runs, and firewalls and proxies on the way.',
  },
  SERVER_ANSWER_INVALID: {
    meaning: 'The server gave an answer that cannot be used.',
    remedy: 'Check that the address is a control server’s, and not a proxy’s or a web site’s.',
  },
  SERVER_ADDRESS_INVALID: {
    meaning: 'The address of a server, or of the proxy on the way to it, cannot be used.',
    remedy: 'Write it as http://HOST:PORT or https://HOST:PORT; only the address of a proxy may hold a user name.',
  },
  // --- appspec
  APPSPEC_MISSING: {
    meaning: 'A revision has no AppSpec file.',
    remedy: 'Put appspec.yml into the root of the bundle, or name the folder that holds it.',
  },
  APPSPEC_INVALID: {
    meaning: 'The AppSpec file of a revision has errors.',
    remedy: 'Correct what the message lists; `slipway validate DIR` checks it before it is deployed.',
  },
  // --- archive
  ARCHIVE_TRUNCATED: {
    meaning: 'A bundle ends before it should.',
    remedy: 'Build and upload the bundle again; compare its size with the original.',
  },
  ARCHIVE_CORRUPT: {
    meaning: 'A bundle is damaged, or is not of the type that it is said to be.',
    remedy: 'Check that the bundle type (tar, tgz, zip) is right, then build and upload the bundle again.',
  },
  ARCHIVE_TOO_LARGE: {
    meaning: 'A bundle unpacks to more bytes than the agent allows.',
    remedy: 'If the bundle is meant to be that large, raise archive_max_extraction_size in the agent’s configuration.',
  },
  ARCHIVE_TOO_MANY_ENTRIES: {
    meaning: 'A bundle holds more entries than the agent allows.',
    remedy: 'If the bundle is meant to hold so many, raise archive_max_entries in the agent’s configuration.',
  },
  ARCHIVE_ENTRY_ESCAPES: {
    meaning: 'An entry of a bundle would be written outside of the folder that the bundle is unpacked into.',
    remedy:
      'Nothing was unpacked. No packer writes this of itself: find out where the bundle comes from, and pack the folder anew.',
  },
  ARCHIVE_LINK_ESCAPES: {
    meaning: 'A symbolic link in a bundle leads out of the bundle, and the configuration forbids that.',
    remedy:
      'Nothing was unpacked. Make the link relative and inside of the revision, or set reject_symlinks_in_bundle to false.',
  },
  ARCHIVE_LINK_REFUSED: {
    meaning: 'A bundle holds a link, and the configuration forbids links.',
    remedy: 'Build the bundle without links, or set reject_symlinks_in_bundle to false.',
  },
  ARCHIVE_ENTRY_CONFLICT: {
    meaning: 'Two entries of a bundle cannot both be there.',
    remedy: 'Build the bundle again from one folder.',
  },
  ARCHIVE_ENTRY_UNUSABLE: {
    meaning: 'A bundle holds an entry of a kind or name that cannot be unpacked.',
    remedy:
      'Leave out the entry that the message names: devices, sockets, encrypted files and names that are not UTF-8 cannot be deployed.',
  },
  ARCHIVE_DISK_FULL: {
    meaning: 'The disk became full while a bundle was unpacked.',
    remedy: 'What was unpacked is removed again. Make room, or lower max_revisions in the agent’s configuration.',
  },
  ARCHIVE_CANNOT_WRITE: {
    meaning: 'The file system refused something while a bundle was unpacked.',
    remedy: 'Check the rights of root_dir and the state of its file system.',
  },
  ARCHIVE_CANNOT_READ: {
    meaning: 'A file that belongs into a bundle cannot be read.',
    remedy: 'Check the rights of the file, or leave it out of the folder.',
  },
  // --- revision
  REVISION_IS_OWN: {
    meaning: 'A folder or file of this machine was to be deployed, and holds what belongs to the agent itself.',
    remedy: 'Put the revision into a folder of its own, and deploy that.',
  },
  REVISION_NOT_FOUND: {
    meaning: 'The bundle of a revision is not where it should be.',
    remedy:
      'Check bucket, key and version, or repository and commit, or the path; it may have been deleted since it was registered.',
  },
  REVISION_DENIED: {
    meaning: 'The place where a bundle is kept does not let this host read it.',
    remedy: 'Check the host’s key and what it may read, and for GitHub the token; check the host’s clock as well.',
  },
  REVISION_CHANGED: {
    meaning: 'A bundle is not the one that was registered: its ETag is another.',
    remedy: 'Push the bundle again and deploy the new revision; nothing was unpacked.',
  },
  REVISION_DIGEST_MISMATCH: {
    meaning: 'The bytes of a downloaded bundle have another digest than the revision names.',
    remedy: 'Compare the digest with that of the file at its source; a proxy, a store or a disk may have changed it.',
  },
  REVISION_UNREACHABLE: {
    meaning: 'The place where a bundle is kept could not be reached, or broke off again and again.',
    remedy: 'Check s3_endpoint_override (or the region), DNS, proxies and firewalls from this host.',
  },
  REVISION_TOO_SLOW: {
    meaning: 'A bundle came slower than download_min_rate for too long, or took longer than download_max_seconds.',
    remedy:
      'Look at the store and at the way to it; on a slow line lower download_min_rate, or raise download_max_seconds. The next deployment goes on with what has come, where the store can.',
  },
  REVISION_TOO_LARGE: {
    meaning:
      'A bundle is larger than bundle_max_size, or git needs more than git_max_memory for it. Nothing was unpacked.',
    remedy: 'Make the bundle smaller, or raise bundle_max_size.',
  },
  REVISION_REDIRECT_REFUSED: {
    meaning:
      'A web server sends on to an address that no bundle is fetched from: another scheme, or this machine’s own. Git is sent on nowhere.',
    remedy: 'Look at who answers there; deploy the address itself if it is the right one.',
  },
  REVISION_DISK_FULL: {
    meaning: 'The disk became full while a bundle was downloaded.',
    remedy: 'Make room on the file system of root_dir, or lower max_revisions.',
  },
  REVISION_TOOL_MISSING: {
    meaning: 'A program that a revision needs, such as git, is not on this host.',
    remedy: 'Install the program, and see that it is in the PATH of the agent.',
  },
  REVISION_NO_SPACE: {
    meaning: 'A bundle, or what it unpacks to, does not fit on the file system of root_dir. Nothing was written.',
    remedy: 'Make room there, or lower max_revisions or max_revisions_bytes.',
  },
  REVISION_CANNOT_WRITE: {
    meaning: 'A bundle could not be written to its place on this host.',
    remedy: 'Check the rights of root_dir and the state of its file system.',
  },
  // --- signature
  SIGNATURE_MISSING: {
    meaning: 'A bundle has no signature, and bundle_signature_policy asks for one. Nothing was unpacked.',
    remedy:
      'Sign the bundle: `slipway push DIR --sign-key KEY`, or `slipway sign BUNDLE --key KEY` and put the signature beside the bundle.',
  },
  SIGNATURE_UNREADABLE: {
    meaning: 'The file beside a bundle is no signature, or one of a kind that is not accepted.',
    remedy:
      'Sign the bundle again and upload the signature as it is; docs/signatures.md has the kinds that are accepted.',
  },
  SIGNATURE_UNTRUSTED: {
    meaning: 'A bundle is signed with a key that bundle_signers_file does not have. Nothing was unpacked.',
    remedy:
      'If the signer may deploy here, put the public key into bundle_signers_file; if nobody knows that key, treat it as an attack.',
  },
  SIGNATURE_MISMATCH: {
    meaning: 'A bundle, or its signature, was replaced after it was signed. Nothing was unpacked.',
    remedy:
      'Push the bundle again with its signature, under a new name. If nobody has replaced either, treat it as an attack until explained.',
  },
  SIGNATURE_EXPIRED: {
    meaning: 'The key that a bundle is signed with is not valid now: bundle_signers_file limits its time.',
    remedy:
      'Sign the bundle with a key that is valid, or correct valid-after and valid-before of its line; check the host’s clock.',
  },
  SIGNATURE_WRONG_PURPOSE: {
    meaning:
      'A trusted key has signed this bundle, but for something else: another application, or another use of the key.',
    remedy:
      'Sign the bundle for the application that it is deployed to (`slipway push` does), in a namespace that the signer’s line allows.',
  },
  SIGNATURE_IMPOSSIBLE: {
    meaning: 'A revision comes from a source whose content nobody can have signed.',
    remedy:
      'Push a signed bundle (`slipway push DIR --sign-key KEY`), or deploy from git with signed commits and let a signer’s line allow the namespace git.',
  },
  SIGNERS_UNUSABLE: {
    meaning: 'The file that says whose signatures count cannot be used.',
    remedy:
      'Correct the file that the message names: bundle_signers_file of the agent’s configuration, or that of --signers.',
  },
  // --- install
  INSTALL_IMPOSSIBLE: {
    meaning: 'A revision cannot be installed on this host as it is. Nothing was changed.',
    remedy:
      'Correct what the message lists; each cause comes with its remedy. `slipway plan` says the same beforehand.',
  },
  INSTALL_DISK_FULL: {
    meaning: 'The disk became full during Install. The old revision is back in place.',
    remedy: 'Make room on the file system of the destination, or on that of root_dir.',
  },
  INSTALL_NOT_PERMITTED: {
    meaning: 'The agent’s user may not do something that Install needs. The old revision is back in place.',
    remedy:
      'Do what the message says: give the agent’s user rights on the destination, mount it read-write, or remove the immutable attribute (lsattr).',
  },
  INSTALL_FAILED: {
    meaning: 'The file system refused something during Install. The old revision is back in place.',
    remedy: 'Look at the state of the file system (dmesg), then deploy again.',
  },
  INSTALL_TOOL_MISSING: {
    meaning: 'An AppSpec file asks for ACLs or SELinux contexts, and the program that sets them is not installed.',
    remedy: 'Install the package that the message names.',
  },
  INSTALL_LINK_PLANTED: {
    meaning:
      'A folder that Install works in has become a link, made by a user whom it does not trust or where others can exchange it.',
    remedy:
      'Find out who made the link. If it is meant to be there, name the folder that it leads to as the destination.',
  },
  INSTALL_NOT_RECOVERED: {
    meaning: 'An Install was interrupted and what it left could not be put right.',
    remedy:
      'Put right what the message names (rights, space), then start the agent again: it tries again before it takes new work.',
  },
  // --- hooks
  HOOK_NO_SCOPE: {
    meaning:
      'systemd did not make the scope that a hook was to run in; with hook_scopes: auto the hook runs without one.',
    remedy:
      'Try `systemd-run --scope true` as the agent’s user. hook_scopes: off says that scopes are not wanted on this host.',
  },
  // --- deployment
  DEPLOYMENT_UPDATE_REFUSED: {
    meaning: 'The service has told the agent to update itself, and no update command is configured.',
    remedy: 'Update the package as you have installed it, or set update_command in the agent’s configuration.',
  },
  DEPLOYMENT_GROUP_BUSY: {
    meaning: 'Somebody else is deploying in the same deployment group of this host.',
    remedy: 'Wait until the process that the message names has ended, and try again.',
  },
  DEPLOYMENT_INSTALL_BUSY: {
    meaning: 'An Install of another deployment group of this host does not come to its end.',
    remedy: 'See what the process that the message names waits for; when it has ended, deploy again.',
  },
  DEPLOYMENT_COMMAND_UNKNOWN: {
    meaning: 'The control endpoint sent a host command that this agent does not know.',
    remedy:
      'Check that the server speaks the same protocol; this agent knows DownloadBundle, Install and the nine hook events.',
  },
  DEPLOYMENT_EVENT_UNKNOWN: {
    meaning: 'The events of the AppSpec file and those of the deployment do not fit together.',
    remedy: 'Correct the names under hooks in the AppSpec file.',
  },
  DEPLOYMENT_ARCHIVE_MISSING: {
    meaning: 'The unpacked revision of a deployment is not on this host.',
    remedy: 'Deploy again: DownloadBundle puts it there.',
  },
  DEPLOYMENT_ARCHIVE_TORN: {
    meaning: 'The power was cut, or the machine hung, before all files of an unpacked revision were on the disk.',
    remedy: 'Deploy again: DownloadBundle brings the revision anew. For a rollback, choose another revision.',
  },
  ROLLBACK_NO_GROUP: {
    meaning: 'It is not clear which deployment group of this host is meant.',
    remedy: 'Name one of those in the message, as APPLICATION/GROUP, by its name or by its id.',
  },
  ROLLBACK_NO_REVISION: {
    meaning: 'There is no revision on this host to go back to.',
    remedy:
      '`slipway rollback --list` shows what there is; `slipway deploy` brings a revision that is not on the host.',
  },
  DEPLOYMENT_ROOT_UNUSABLE: {
    meaning: 'A folder that the agent works in, such as the one that deployments are kept in, cannot be written to.',
    remedy:
      'Make room on its file system if that is full; else run it as root, or name a configuration file with a root_dir and log_dir of your own.',
  },
  DEPLOYMENT_INTERRUPTED: {
    meaning: 'The agent was told to end while a command ran.',
    remedy: 'Deploy again.',
  },
  // --- agent
  AGENT_NO_IDENTITY: {
    meaning: 'The agent cannot find out which host it is.',
    remedy: 'Enrol this machine: slipway register --endpoint-url URL. On EC2, check that instance metadata is enabled.',
  },
  AGENT_NO_METADATA: {
    meaning: 'The instance metadata service of EC2 refused an answer.',
    remedy: 'Check the instance’s metadata options; version 1 is used only with disable_imds_v1: false.',
  },
  AGENT_NO_CREDENTIALS: {
    meaning: 'The agent has no credentials to sign its requests with.',
    remedy: 'Check the file or the instance profile that the message names.',
  },
  AGENT_TLS_REFUSED: {
    meaning: 'The control endpoint’s certificate does not verify, or no TLS connection to it comes about.',
    remedy:
      'Check the endpoint and the clock. `ca_file` in the agent’s configuration names a private authority; the system’s store is trusted, too.',
  },
  AGENT_ENDPOINT_REFUSED: {
    meaning: 'The configured control endpoint is one that the agent does not trust.',
    remedy: 'Use https://, or set allow_insecure_endpoint: true if the network itself is trusted.',
  },
  AGENT_ALREADY_RUNNING: {
    meaning: 'Another agent with the same pid_dir and program_name runs on this machine.',
    remedy: 'Stop it first, or give this one a pid_dir and root_dir of its own.',
  },
  AGENT_EXECUTOR_DIED: {
    meaning: 'The process that carried out a host command ended without an answer.',
    remedy: 'Look into the agent’s log and into dmesg (out of memory?), then deploy again.',
  },
  // --- server
  SERVER_DATABASE_UNREACHABLE: {
    meaning: 'The server’s database cannot be opened.',
    remedy: 'Check the data folder and its rights, or the address behind --database and that PostgreSQL runs.',
  },
  SERVER_DATABASE_AWAY: {
    meaning:
      'The database of a running server does not answer or takes nothing just now. Requests get 503, and the server goes on when it is back.',
    remedy:
      'Check that PostgreSQL runs and can be reached; for the embedded database, that the disk has room and no other process holds the file.',
  },
  SERVER_DATABASE_NEWER: {
    meaning: 'The database was made by a newer version of Slipway.',
    remedy:
      'Install the newer version again and start it: a database does not go back. Else restore a copy from before its first start.',
  },
  SERVER_DATA_FOLDER: {
    meaning: 'The server’s data folder cannot be made, or not be written.',
    remedy:
      'Give the server’s user the folder, or name another one with --data-dir; `slipway server doctor` looks at it.',
  },
  SERVER_ALREADY_RUNNING: {
    meaning: 'Another server works on the same data folder.',
    remedy: 'Stop it first. Several servers share one PostgreSQL database, not one data folder.',
  },
  SERVER_MASTER_KEY: {
    meaning:
      'The master key is missing, or is not the one that the database was sealed with. None was written or overwritten.',
    remedy: 'Put the right master.key back into the data folder, from a copy; without it the database’s keys are lost.',
  },
  SERVER_BACKUP_INVALID: {
    meaning: 'A backup of the server was cut off, was changed, or is of a newer version. Nothing was restored.',
    remedy: 'Take another backup, or restore this one with the version of Slipway that wrote it.',
  },
  SERVER_CANNOT_LISTEN: {
    meaning: 'The server cannot listen on the address that it was given.',
    remedy: 'Choose another address with --listen or --s3-listen, or end what uses it.',
  },
  SERVER_UNKNOWN_KEY: {
    meaning: 'There is no access key with this id.',
    remedy: 'slipway keys list shows them all.',
  },
  // --- s3
  // --- cli
  CLI_NO_ENDPOINT: {
    meaning: 'A command that talks to a control server was not told where it is.',
    remedy: 'Pass --endpoint-url http://HOST:PORT, or set SLIPWAY_ENDPOINT_URL.',
  },
  CLI_NO_CREDENTIALS: {
    meaning: 'A command that talks to a control server has no access key to sign with.',
    remedy:
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (`slipway keys create` on the server prints a pair), or pass --profile.',
  },
  CLI_BAD_ARGUMENT: {
    meaning: 'A flag or an argument of the command line has a value that it cannot have.',
    remedy: 'Run the command with --help to see what it takes.',
  },
  CLI_FOLDER_GONE: {
    meaning: 'A command was given a relative path, and the folder that it was started in was removed.',
    remedy: 'Change to a folder that is there (cd), or write the whole path.',
  },
  TEMPORARY_FOLDER_UNUSABLE: {
    meaning: 'The folder for temporary files is not there, is full, or cannot be written.',
    remedy: 'Make room or make the folder, or set TMPDIR to another one.',
  },
  CLI_BAD_REVISION: {
    meaning: 'The folder or bundle that was to be pushed or checked is no revision that a host could deploy.',
    remedy: 'Put a sound appspec.yml into its root; `slipway validate DIR` shows every problem.',
  },
  CLI_CANNOT_SIGN: {
    meaning: 'A bundle could not be signed.',
    remedy: 'Read what ssh-keygen or minisign says; --sign-key takes the key file that they would take.',
  },
  CLI_UPLOAD_FAILED: {
    meaning: 'A bundle could not be uploaded to the revision store.',
    remedy: 'Check that the store is reachable from here and that the key may write to the bucket.',
  },
  CLI_FILE_EXISTS: {
    meaning: 'A command would overwrite a file that somebody may have edited.',
    remedy: 'Look at the file, then remove it or pass --force.',
  },
  CLI_NO_SYSTEMD: {
    meaning: 'This machine does not run systemd, and a service of systemd was asked for.',
    remedy:
      'Start it without a service: `slipway agent start`, or `slipway server --data-dir DIR` below what starts services here. --print prints the unit.',
  },
  CLI_HIDDEN_PROGRAM: {
    meaning: 'A service would not be allowed to read its own program.',
    remedy: 'Install slipway for the whole system (`npm install --global`) and run the command from there.',
  },
  CLI_AGENT_CONTROL: {
    meaning: 'The agent could not be started or stopped.',
    remedy: 'Read what the message says, and `slipway logs` for what led to it.',
  },
  CLI_SERVICE_FAILED: {
    meaning: 'A service was put in place and started, and did not stay.',
    remedy: 'Read its last words; correct what they name, and run the command again.',
  },
  CLI_NOT_ROOT: {
    meaning: 'Putting a service in place needs rights on system folders.',
    remedy: 'Run it as root, or pass --print to see what would be written.',
  },
  CLI_MIGRATION_REFUSED: {
    meaning: 'The official agent of a machine cannot be taken over, or not now, or there is none to go back to.',
    remedy: 'Nothing was changed. Correct what the message names, and run the command again.',
  },
  CLI_NO_LOGS: {
    meaning: 'There is no log where the command looked for it.',
    remedy: 'Check --config-file and the deployment id; `slipway logs` reads what the agent on this machine wrote.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export interface SlipwayErrorOptions {
  /** Remedy for the case at hand; the catalogue's text when absent. */
  readonly remedy?: string;
  /** More lines for a person, such as each finding in a file. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/** A fault with a stable code, a message that says what happened and where, and a remedy. Its cause is kept. */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError';
  readonly code: ErrorCode;
  readonly remedy: string;
  /** Shown by commands below the message, one a line. */
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, options: SlipwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.remedy = options.remedy ?? ERROR_CATALOGUE[code].remedy;
  }
}

/** Whether `error` is a SlipwayError, with this code if one is given. */
export function isSlipwayError(error: unknown, code?: ErrorCode): error is SlipwayError {
  return error instanceof SlipwayError && (code === undefined || error.code === code);
}

/**
 * The text of anything that was thrown, for messages that quote a cause. An error of OpenSSL's keeps its meaning, and no advice of Node's.
 */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (isNoTls(thrown)) return 'what answers there does not speak TLS';
  if (thrown.message === 'socket hang up') return 'the other side closed the connection without an answer';
  const [, reason] = /:SSL routines:[^:]*:([^:]+):/.exec(thrown.message) ?? [];
  return reason === undefined
    ? thrown.message.replace(/; if the root CA is installed.*/s, '')
    : `TLS failed: ${reason}`;
}

/** Whether a TLS connection failed because the other side speaks something else, such as plain HTTP. */
export function isNoTls(thrown: unknown): boolean {
  return thrown instanceof Error && /:(wrong version number|packet length too long|http request):/.test(thrown.message);
}

/** Whether a TLS connection failed, by itself or as the cause, because nobody that is trusted has signed the other side's certificate. */
export function isUntrusted(thrown: unknown): boolean {
  const isSo = (error: unknown) => /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)/.test(systemErrorCode(error) ?? '');
  return isSo(thrown) || (thrown instanceof Error && isSo(thrown.cause));
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`, …), or null. */
export function systemErrorCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}

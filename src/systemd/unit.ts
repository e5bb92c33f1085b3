/** The unit of the service, for systemd 247 or newer. */

export interface UnitOptions {
  /** The words of the command line that starts Tidegate, up to its arguments. */
  readonly program: readonly string[];
  /** An absolute path; of a template with `%i`. */
  readonly config: string;
  /** Whether it is a template, `tidegate@.service`: an instance a configuration. */
  readonly template: boolean;
  /** The names of keys whose values may be credentials. */
  readonly secrets: readonly string[];
}

export function unitName({ template }: Pick<UnitOptions, 'template'>): string {
  return template ? 'tidegate@.service' : 'tidegate.service';
}

export function unitText(options: UnitOptions): string {
  const { program, config, template, secrets } = options;
  const name = template ? 'tidegate-%i' : 'tidegate';
  // A path may hold a specifier where the unit is a template: all of it is as systemd wants it already.
  const command = [...program.map(quoted), 'run', '--config', template ? config : quoted(config)];
  return `# Written by \`tidegate install-service\`. What is to be different belongs into a drop-in, which an upgrade leaves
# alone: systemctl edit ${template ? 'tidegate@NAME' : 'tidegate'}

[Unit]
Description=Tidegate: MQTT into PostgreSQL${template ? ' (%i)' : ''}
Wants=network-online.target
After=network-online.target postgresql.service mosquitto.service
# A broker or a database that is away comes back some day: it is tried for ever.
StartLimitIntervalSec=0

[Service]
Type=notify
# systemd-notify speaks for the daemon, and is a process of its own.
NotifyAccess=all
ExecStart=${command.join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# A configuration with mistakes does not mend itself.
RestartPreventExitStatus=2
# Signs of life come only while messages in hand are stored, tried again or spooled.
WatchdogSec=60
# startup_timeout limits the waiting for broker and database; migrations take what they take.
TimeoutStartSec=infinity
# A longer shutdown_timeout the daemon asks for by itself.
TimeoutStopSec=45
KillMode=mixed
# The C library keeps what was freed for each thread that asked for it: for two of them at most.
Environment=MALLOC_ARENA_MAX=2

# A user that exists only while the service runs. The configuration must be readable for it, and so is best without
# secrets; for files of a group: SupplementaryGroups= in a drop-in.
DynamicUser=yes
# /var/lib/${name}, for spool.path: /var/lib/${name}/spool
StateDirectory=${name}
StateDirectoryMode=0700
# Secrets: a file in /etc/credstore for each, root's own (0600); those that are not there are passed over.
${secrets.map((secret) => `LoadCredential=${secret}:${name}.${secret}`).join('\n')}

UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
${homes(program)}
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# Left open, and why:
# PrivateNetwork, RestrictAddressFamilies: broker, database and HTTP are on the network; AF_UNIX is systemd's socket and
#   PostgreSQL's. Where all of them are known, IPAddressDeny=any with IPAddressAllow= in a drop-in closes the rest.
# MemoryDenyWriteExecute: V8 compiles JavaScript to machine code.
# ProcSubset=pid: Node.js reads the number of CPUs and the memory in /proc.
# RootDirectory: Node.js and Tidegate are files of this system.

[Install]
WantedBy=multi-user.target
`;
}

/** A program in a home can only run where the home is seen. */
function homes(program: readonly string[]): string {
  return program.some((word) => word.startsWith('/home/'))
    ? '# Node.js or Tidegate itself is in there.\nProtectHome=read-only'
    : 'ProtectHome=yes';
}

/** A word of a command line as systemd.service(5) has it: specifiers and variables are none. */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(plain)
    ? plain
    : `"${plain.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`;
}

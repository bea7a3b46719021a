import { Command, InvalidArgumentError } from 'commander';
import { version } from '../version.ts';
import { addDemo } from './demo/program.ts';
import { addVerb } from './options.ts';

// Each verb's code is imported when it is asked for: `nibox status` needs neither the config readers nor the daemon.

/** The command line of nibox. */
export function createProgram(): Command {
  const program = new Command('nibox')
    .description('Network instances, each sealed in its own network namespace')
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError('(nibox --help, or nibox VERB --help)');
  addDaemon(program);
  addUnit(program);
  addConfig(program);
  addLooks(program);
  addActs(program);
  addDemo(program);
  return program;
}

function addDaemon(program: Command): void {
  addVerb(program, 'run', 'run the supervisor in the foreground')
    .requiredOption('--config <file>', 'the device configuration: YAML or JSON')
    .option('--state-dir <dir>', 'what outlives a restart (default: /var/lib/nibox/<prefix>)')
    .option('--log-dir <dir>', 'one log file for each process (default: /var/log/nibox/<prefix>)')
    .option('--resolv-conf <file>', "the device's resolvers", '/etc/resolv.conf')
    .option(
      '--api-group <group>',
      'a group whose members may use the API too: as much as root may (default: root alone)',
    )
    .action(async options => {
      const { run } = await import('./run.ts');
      // Nothing of the daemon is left to wait for.
      process.exit(await run(options));
    });
}

function addUnit(program: Command): void {
  addVerb(program, 'systemd-unit', 'print the unit file with which systemd runs this nibox')
    .option('--config <file>', 'the device configuration', '/etc/nibox/config.yaml')
    .action(async options => {
      const { systemdUnit } = await import('./systemd-unit.ts');
      systemdUnit(options);
    });
}

function addConfig(program: Command): void {
  addVerb(program, 'validate [file]', 'say everything that is wrong with a config; nothing is changed')
    .option('--json', 'print the issues as JSON')
    .option('--schema', 'print the JSON Schema of the format instead')
    .action(async (file, options) => {
      const { validate } = await import('./validate.ts');
      process.exitCode = await validate(file, options);
    });
  addVerb(program, 'apply <file>', 'change what runs to what the config says')
    .option('--dry-run', 'only say what would change')
    .option('--json', 'print the result as JSON')
    .action(async (file, options) => {
      const { apply } = await import('./apply.ts');
      process.exitCode = await apply(file, options);
    });
}

function addLooks(program: Command): void {
  addVerb(program, 'status [ni]', 'network instances and apps')
    .option('-w, --watch', 'show it anew when anything changes, until Ctrl-C')
    .option('--json', 'print all there is as JSON; with --watch one line for each change')
    .action(async (ni, options) => {
      const { status } = await import('./status.ts');
      await status(ni, options);
    });
  addVerb(program, 'flows <ni>', 'the flow log of a network instance')
    .option('-f, --follow', 'go on as flows end or are denied, until Ctrl-C')
    .option('--json', 'print all there is as JSON; with --follow one line for each flow')
    .action(async (ni, options) => {
      const { flows } = await import('./flows.ts');
      await flows(ni, options);
    });
  addVerb(program, 'logs [ni]', "the supervisor's log, or that of a network instance's manager")
    .option('-f, --follow', 'go on as it grows')
    .option('-n, --lines <count>', 'begin with so many lines', parseCount, 50)
    .action(async (ni, options) => {
      const { logs } = await import('./logs.ts');
      await logs(ni, options);
    });
}

function addActs(program: Command): void {
  addVerb(program, 'restart <ni>', "restart a network instance's manager; its traffic goes on").action(
    async (ni, options) => {
      const { restart } = await import('./restart.ts');
      await restart(ni, options);
    },
  );
  addVerb(program, 'exec <name> <command...>', 'run a program in the namespace of a network instance or app')
    .usage('[options] <name> -- <command...>')
    .action(async (name, command, options) => {
      const { exec } = await import('./exec.ts');
      process.exitCode = await exec(name, command, options);
    });
  addVerb(program, 'start <ni>', "start a network instance's manager that was stopped").action(async (ni, options) => {
    const { start } = await import('./start.ts');
    await start(ni, options);
  });
  addVerb(program, 'audit', 'find what carries the prefix and has no owner; 1 if there is any')
    .option('--fix', 'remove it, and look again')
    .option('--state-dir <dir>', 'where the state is, for when no daemon runs (default: /var/lib/nibox/<prefix>)')
    .option('--json', 'print the findings as JSON')
    .action(async options => {
      const { audit } = await import('./audit.ts');
      process.exitCode = await audit(options);
    });
  addVerb(
    program,
    'stop [ni]',
    "stop a network instance's manager, while its traffic goes on; without a name: stop nibox and remove everything it made",
  )
    .option('--keep', 'end the supervisor alone: managers and traffic go on, and the next `nibox run` takes them over')
    .action(async (ni, options) => {
      const { stop, stopManager } = await import('./stop.ts');
      await (ni === undefined ? stop(options) : stopManager(ni, options));
    });
  addVerb(program, 'upgrade', 'replace managers of another version one by one; traffic goes on')
    .option('--bundle <file>', "this manager's bundle instead of the installed one")
    .option('--json', 'print the result as JSON')
    .action(async options => {
      const { upgrade } = await import('./upgrade.ts');
      process.exitCode = await upgrade(options);
    });
}

function parseCount(value: string): number {
  if (/^\d{1,7}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('Give a number of lines.');
}

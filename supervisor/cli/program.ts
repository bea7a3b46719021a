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
    .action(async options => {
      const { run } = await import('./run.ts');
      // Nothing of the daemon is left to wait for.
      process.exit(await run(options));
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
    .option('--json', 'print all there is as JSON')
    .action(async (ni, options) => {
      const { status } = await import('./status.ts');
      await status(ni, options);
    });
  addVerb(program, 'flows <ni>', 'the flow log of a network instance')
    .option('--json', 'print all there is as JSON')
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
  addVerb(program, 'stop', 'stop nibox and remove everything it made').action(async options => {
    const { stop } = await import('./stop.ts');
    await stop(options);
  });
}

function parseCount(value: string): number {
  if (/^\d{1,7}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('Give a number of lines.');
}

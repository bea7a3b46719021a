import type { Command } from 'commander';
import { addVerb } from '../options.ts';

/** Adds `nibox demo` and its verbs. */
export function addDemo(program: Command): void {
  const demo = program.command('demo').description('a small world around nibox on this host, to try it in');
  addVerb(demo, 'up', 'build the world and start nibox in it')
    .option('--config <file>', 'another config than examples/demo.yaml')
    .action(async options => {
      const { up } = await import('./up.ts');
      await up(options);
    });
  addVerb(demo, 'down', 'remove the world and all that is in it').action(async options => {
    const { down } = await import('./down.ts');
    process.exitCode = await down(options);
  });
  addVerb(demo, 'check [id...]', 'look from outside whether everything is as it should be')
    .option('--json', 'print the results as JSON')
    .action(async (ids, options) => {
      const { check } = await import('./check.ts');
      process.exitCode = await check(ids, options);
    });
  addVerb(demo, 'shell <name>', 'a shell in a namespace of the world: app1, gw, device, ni1, …').action(
    async (name, options) => {
      const { shell } = await import('./shell.ts');
      process.exitCode = await shell(name, options);
    },
  );
  addVerb(demo, 'run', 'up, all checks, stay until Ctrl-C, down')
    .option('--config <file>', 'another config than examples/demo.yaml')
    .action(async options => {
      const { run } = await import('./run.ts');
      process.exit(await run(options));
    });
}

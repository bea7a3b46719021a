import { type CommonOptions, clientOf } from './options.ts';
import { printLine } from './print.ts';

/** `nibox start NI`: returns when its manager is in service. */
export async function start(ni: string, options: CommonOptions): Promise<void> {
  await clientOf(options).startManager(ni);
  printLine(`${ni}: its manager is in service`);
}

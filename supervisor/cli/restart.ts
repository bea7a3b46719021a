import { type CommonOptions, clientOf } from './options.ts';
import { printLine } from './print.ts';

/** `nibox restart`: returns when the new manager is in service. */
export async function restart(ni: string, options: CommonOptions): Promise<void> {
  await clientOf(options).restart(ni);
  printLine(`${ni}: its manager was restarted`);
}
